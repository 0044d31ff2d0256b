/** An embedded PostgreSQL whose recovery after a crash ends, as it does on a full disk. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { isPostgres, readLockFile } from '../../src/stores/warehouse/embedded/lock-file.ts';
import { openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';

async function scratch(): Promise<{ readonly dir: string; readonly remove: () => Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'tributary-recovery-'));
  return { dir: join(parent, 'warehouse'), remove: () => rm(parent, { recursive: true, force: true }) };
}

async function endRecovery(pid: number, stopped: Promise<number>): Promise<void> {
  const stoppedServer = await stopped;
  process.kill(pid, 'SIGKILL');
  while (await isPostgres(pid)) await turn(); // until it is a zombie
  process.kill(stoppedServer, 'SIGCONT');
}

/**
 * Ends the next recovery before its server has noted that it began: the server is stopped meanwhile, as a busy machine
 * may stop it, and finds both at once when it goes on.
 */
function endNextRecovery(dir: string): { readonly onLine: (line: string) => void; readonly ended: Promise<void> } {
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  let recovery: number | undefined;
  let server: Promise<number> | undefined;

  async function stopServer(pid: number): Promise<number> {
    process.kill(pid, 'SIGSTOP');
    const found = await readLockFile(dir);
    assert.ok(found, 'no server runs');
    process.kill(found.pid, 'SIGSTOP');
    process.kill(pid, 'SIGCONT');
    return found.pid;
  }

  function onLine(line: string): void {
    const began = /\[(\d+)\] LOG: {2}database system was interrupted/.exec(line);
    if (began && server === undefined) {
      recovery = Number(began[1]);
      server = stopServer(recovery);
      server.catch(reject);
    }
    // Logged behind the signal that tells the server.
    if (recovery && server && line.includes(`[${recovery}] LOG:  redo starts`))
      endRecovery(recovery, server).then(resolve, reject);
  }

  return { onLine, ended };
}

/** The server is away for a while, and a connection that was cut fails once. */
async function rowsWithin(pool: Pool, limitMs: number): Promise<number> {
  for (const untilMs = Date.now() + limitMs; Date.now() < untilMs; await sleep(50)) {
    const found = await pool.query<{ rows: string }>('SELECT count(*) AS rows FROM kept').catch(() => undefined);
    if (found) return Number(found.rows[0]?.rows);
  }
  return assert.fail(`no connection is taken ${limitMs / 1000} s after a recovery has ended`);
}

test(
  'D2, D3: a recovery that ends as soon as it has begun is begun again, and every row is there',
  { timeout: 60_000, skip: process.platform !== 'linux' },
  async (t) => {
    const { dir, remove } = await scratch();
    let recovery: ReturnType<typeof endNextRecovery> | undefined;
    const warehouse = await openEmbeddedWarehouse({ dir, log: (line) => recovery?.onLine(line) });
    t.after(async () => {
      await warehouse.close();
      await remove();
    });
    const { pool } = warehouse;
    // Enough to be redone for the recovery not to be over before it is ended.
    await pool.query('CREATE TABLE kept (id integer, text text)');
    await pool.query(`INSERT INTO kept SELECT id, repeat(md5(id::text), 20) FROM generate_series(1, 100000) id`);
    recovery = endNextRecovery(dir);
    const backend = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    process.kill(backend.rows[0]?.pid as number, 'SIGKILL');
    await recovery.ended;
    assert.equal(await rowsWithin(pool, 30_000), 100_000);
  },
);
