/** One run of an embedded PostgreSQL that does not do what it should: a script in its place plays that. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import {
  type ServerOptions,
  type ServerProcess,
  startServer,
} from '../../src/stores/warehouse/embedded/server-process.ts';
import { supervise } from '../../src/stores/warehouse/embedded/supervisor.ts';
import { scratch } from '../support/program.ts';

interface Place {
  readonly dir: string;
  readonly lines: string[];
  readonly options: ServerOptions;
  start(): Promise<ServerProcess>;
}

/** @param script of the shell; `$dir` is the data directory */
async function placeOf(t: TestContext, script: string): Promise<Place> {
  const dir = await scratch(t);
  const postgres = join(dir, 'postgres');
  await writeFile(postgres, `#!/bin/sh\ndir='${dir}'\n${script}\n`);
  await chmod(postgres, 0o755);
  const lines: string[] = [];
  const options = {
    binaries: { initdb: '', postgres },
    as: { prefix: [] },
    dataDir: dir,
    settings: {},
    log: (line: string) => void lines.push(line),
    silenceMs: 1_500,
    stopTimeoutMs: 500,
  };
  return { dir, lines, options, start: () => startServer(options) };
}

const ready = `printf '%s\\n%s\\n0\\n5432\\n/none\\n\\n\\nready\\n' $$ "$dir" > "$dir/postmaster.pid"`;
const deaf = `trap '' INT; echo $$ > "$dir/pid"`;

/** Resolves when the script has ended; a zombie has. */
async function untilEnded({ dir }: Place): Promise<void> {
  const pid = await readFile(join(dir, 'pid'), 'utf8');
  for (;;) {
    const status = await readFile(`/proc/${pid.trim()}/stat`, 'utf8').catch(() => '');
    if (!/\) [^ZX]/.test(status)) return;
    await turn();
  }
}

/** Gets ready after 3 s; until then it logs a line now and then. */
const tells = (word: string): string =>
  `for i in 1 2 3 4 5 6 7 8; do sleep 0.4; echo "[1] ${word}:  redo in progress" >&2; done; ${ready}; exec sleep 30`;

suite('an embedded server', { timeout: 60_000, skip: process.platform !== 'linux' }, () => {
  test('that does not get ready and does not stop is killed, so that the next one can start (D2)', async (t) => {
    const place = await placeOf(t, `${deaf}; echo '[1] LOG:  starting' >&2; while :; do sleep 0.1; done`);
    await assert.rejects(
      place.start(),
      (error) => isFault(error, 'WAREHOUSE_UNAVAILABLE') && /no progress for 1.5 s: .*starting/.test(error.message),
    );
    await untilEnded(place);
  });

  test('that tells how far its recovery is may take its time; clients whom it refuses are no progress', async (t) => {
    const server = await (await placeOf(t, tells('LOG'))).start();
    await server.stop();
    await assert.rejects((await placeOf(t, tells('FATAL'))).start(), (error) =>
      isFault(error, 'WAREHOUSE_UNAVAILABLE'),
    );
  });

  test('that is deaf when it is told to stop is killed', async (t) => {
    const place = await placeOf(t, `${deaf}; ${ready}; while :; do sleep 0.1; done`);
    const server = await place.start();
    await server.stop();
    await untilEnded(place);
  });

  test('that does not listen yet when it is told to stop is told again: one whose owner was killed so early would stay for ever', async (t) => {
    const listens = `process.on('SIGINT', () => process.exit()); setInterval(() => undefined, 1_000)`;
    const place = await placeOf(t, `echo $$ > "$dir/pid"; sleep 1; exec '${process.execPath}' -e "${listens}"`);
    const stopping = new AbortController();
    const limits = { silenceMs: 60_000, stopTimeoutMs: 60_000 };
    const started = startServer({ ...place.options, ...limits, signal: stopping.signal });
    while (!(await readFile(join(place.dir, 'pid'), 'utf8').catch(() => ''))) await turn();
    stopping.abort();
    await assert.rejects(started, { name: 'AbortError' });
    await untilEnded(place);
  });

  test('that is told to stop in its recovery, after a crash, does not finish that first (D8)', async (t) => {
    const recovers = `while :; do echo "[1] LOG:  redo in progress" >&2; sleep 0.1; done`;
    const place = await placeOf(
      t,
      `if [ -e "$dir/crashed" ]; then ${recovers}; fi; ${ready}; sleep 0.5; touch "$dir/crashed"`,
    );
    const recovering = Promise.withResolvers<void>();
    const log = (line: string): void => (line.includes('redo in progress') ? recovering.resolve() : undefined);
    const supervisor = await supervise({ ...place.options, log });
    await recovering.promise;
    await supervisor.stop();
  });

  test('dumps no core, which would fill the disk of its data directory', async (t) => {
    const raised = spawnSync('prlimit', ['--pid', `${process.pid}`, '--core=unlimited:']);
    if (raised.status !== 0) return t.skip('this process may dump no core anyway');
    const place = await placeOf(t, `ulimit -c >&2; ${ready}; exec sleep 30`);
    const server = await place.start();
    await server.stop();
    assert.deepEqual(place.lines, ['0']);
  });
});
