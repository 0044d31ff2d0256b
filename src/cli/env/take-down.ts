/** Stops an environment, which drains first (D8), and removes its data where that is wanted. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { escapeIdentifier } from 'pg';
import type { Config } from '../../config/config.ts';
import { schemaBeside, schemaIn } from '../../config/environment.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import { lockFile } from '../../log/segments/lock.ts';
import { canonicalPath } from '../../stores/warehouse/embedded/data-directory.ts';
import { waitForPreviousServer } from '../../stores/warehouse/embedded/lock-file.ts';
import { socketDirectoryOf } from '../../stores/warehouse/embedded/socket-directory.ts';
import { openServerWarehouse } from '../../stores/warehouse/server-warehouse.ts';
import { askHealth } from './ask-health.ts';
import { type NamedConfig, readEnvironment } from './environment.ts';

/** On its way up or down it can be told nothing; that takes no longer. */
const changesWithinMs = 30_000;
/** Between the end of a drain and that of the process. */
const exitMs = 5_000;
const lookEveryMs = 50;
/** No name of an environment begins so. */
const asideMark = '.removed-';

/** False where it was stopped already. @throws Fault ENVIRONMENT_NOT_STOPPED */
export async function stopEnvironment(config: NamedConfig): Promise<boolean> {
  const read = () => readEnvironment(config.env, config.dataDir);
  let found = await read();
  const wasUp = found.state !== 'stopped';
  for (const untilMs = performance.now() + changesWithinMs; found.state === 'changing'; found = await read()) {
    if (performance.now() > untilMs) throw notStopped(config.env, 'is neither up nor down');
    await sleep(lookEveryMs);
  }
  if (!found.server) return wasUp;
  // A number that a killed server has left could be another process's, for as long as the next one has not said its own.
  if ((await askHealth(config, 'live')) === undefined)
    throw notStopped(config.env, `does not answer at ${found.server.url}`);
  process.kill(found.server.pid, 'SIGTERM');
  for (const untilMs = performance.now() + config.drainTimeoutMs + exitMs; ; await sleep(lookEveryMs)) {
    if ((await read()).state === 'stopped') return true;
    if (performance.now() > untilMs) throw notStopped(config.env, `(process ${found.server.pid}) has not ended`);
  }
}

function notStopped(name: string, how: string): Fault {
  return new Fault('ENVIRONMENT_NOT_STOPPED', `environment ${name} ${how}`);
}

/**
 * Of one that is stopped: aside first, under its lock, so that nobody starts on what is being removed.
 * @throws Fault DATA_DIR_IN_USE, WAREHOUSE_UNAVAILABLE
 */
export async function removeEnvironment(config: Config): Promise<void> {
  const { dataDir } = config;
  const { log, postgres } = dataPaths(dataDir);
  const lock = join(log, 'lock');
  const release = existsSync(lock) ? await lockFile(lock) : () => undefined;
  if (!release) throw new Fault('DATA_DIR_IN_USE', `Another process writes the log of ${dataDir}.`);
  const beside = dirname(dataDir);
  try {
    await dropSchema(config);
    await waitForPreviousServer(postgres); // of a process that was killed
    await rm(socketDirectoryOf(await canonicalPath(postgres)), { recursive: true, force: true });
    await rename(dataDir, join(beside, `${asideMark}${randomUUID()}`));
  } finally {
    release();
  }
  for (const name of await readdir(beside))
    // also what was left when this was cut short
    if (name.startsWith(asideMark)) await rm(join(beside, name), { recursive: true, force: true });
}

/** On a server that others have, too. */
async function dropSchema({ databaseUrl: url }: Config): Promise<void> {
  const schema = schemaIn(url ?? '');
  if (url === undefined || schema === undefined) return;
  const warehouse = await openServerWarehouse({ url });
  try {
    const beside = schemaBeside(schema, '');
    const { rows } = await warehouse.pool.query<{ name: string }>(
      'SELECT nspname AS name FROM pg_namespace WHERE nspname = $1 OR starts_with(nspname, $2)',
      [schema, beside],
    );
    for (const { name } of rows) await warehouse.pool.query(`DROP SCHEMA IF EXISTS ${escapeIdentifier(name)} CASCADE`);
  } finally {
    await warehouse.close();
  }
}
