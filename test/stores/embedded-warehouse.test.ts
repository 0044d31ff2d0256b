import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import type { Staged } from '../../src/sinks/sink.ts';
import { isPostgres, readLockFile } from '../../src/stores/warehouse/embedded/lock-file.ts';
import { attachEmbeddedWarehouse, openEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { batchOf, idsOf, newPartition, stage } from '../contracts/sink.ts';
import { warehouseContract } from '../contracts/warehouse.ts';
import { type TestWarehouse, openTestEmbedded } from '../support/postgres-server.ts';
import { descendants } from '../support/processes.ts';
import { untilAnswered } from '../support/until-answered.ts';
import { landedIn, sinkInto, tableOf } from '../support/table-events.ts';
import { scratch } from '../support/program.ts';

warehouseContract('embedded', openTestEmbedded);

const log = (): void => undefined;
const source = join(import.meta.dirname, '../../src/stores/warehouse/embedded-warehouse.ts');

async function newDirectory(t: TestContext): Promise<string> {
  return join(await scratch(t), 'warehouse');
}

/** A process that opens the warehouse, says so, and stays. */
async function openElsewhere(dir: string): Promise<ChildProcess> {
  const code = `const { openEmbeddedWarehouse } = await import(${JSON.stringify(source)});
    await openEmbeddedWarehouse({ dir: ${JSON.stringify(dir)}, log: () => undefined });
    console.log('open'); setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function openAndClose(dir: string): Promise<Warehouse> {
  const warehouse = await openEmbeddedWarehouse({ dir, log });
  assert.equal((await warehouse.pool.query('SELECT 1')).rowCount, 1);
  await warehouse.close();
  return warehouse;
}

async function postmaster(dir: string): Promise<number> {
  const found = await readLockFile(dir);
  assert.ok(found, 'no server runs');
  return found.pid;
}

describe('embedded warehouse', () => {
  it('is stopped when its connections have ended: none is told as FATAL in its lines', async (t) => {
    const lines: string[] = [];
    const warehouse = await openEmbeddedWarehouse({ dir: await scratch(t), log: (line) => void lines.push(line) });
    await Promise.all(Array.from({ length: 10 }, () => warehouse.pool.query('SELECT pg_sleep(0.1)')));
    await warehouse.close();
    assert.ok(lines.some((line) => line.includes('shut down')));
    assert.deepEqual(
      lines.filter((line) => /FATAL|idle connection/.test(line)),
      [],
    );
  });

  it('is reached from another process by any spelling of its directory, and leaves no process behind', async (t) => {
    const dir = await newDirectory(t);
    const warehouse = await openEmbeddedWarehouse({ dir, log });
    const pid = await postmaster(dir);
    await warehouse.pool.query('CREATE TABLE kept AS SELECT 7 AS seven');
    await symlink(dir, `${dir}-link`);
    for (const spelling of [`${dir}/../warehouse/`, `${dir}-link`]) {
      const attached = await attachEmbeddedWarehouse({ dir: spelling });
      assert.equal(attached.url, warehouse.url);
      assert.deepEqual((await attached.pool.query('SELECT * FROM kept')).rows, [{ seven: 7 }]);
      await attached.close();
    }
    await warehouse.close();
    assert.equal(await isPostgres(pid), false);
    await assert.rejects(attachEmbeddedWarehouse({ dir }), (error) => isFault(error, 'WAREHOUSE_UNAVAILABLE'));
    const again = await openEmbeddedWarehouse({ dir, log });
    assert.deepEqual((await again.pool.query('SELECT * FROM kept')).rows, [{ seven: 7 }]);
    await again.close();
  });

  it('is gone when its process was killed, and the next starts on what it left (D3)', async (t) => {
    const dir = await newDirectory(t);
    const child = await openElsewhere(dir);
    const pid = await postmaster(dir);
    child.kill('SIGKILL');
    const warehouse = await openEmbeddedWarehouse({ dir, log });
    assert.equal(await isPostgres(pid), false);
    assert.equal((await warehouse.pool.query('SELECT 1')).rowCount, 1);
    await warehouse.close();
    assert.deepEqual(
      (await readdir(join(dir, '..'))).filter((name) => name.startsWith('.')),
      [],
    );
  });

  it('starts over lock files whose number belongs to another process now, or that were never written', async (t) => {
    const dir = await newDirectory(t);
    const other = await newDirectory(t);
    const child = await openElsewhere(other);
    t.after(() => child.kill('SIGKILL'));
    const others = await postmaster(other);
    const socketDir = new URL((await openAndClose(dir)).url).searchParams.get('host') as string;
    const socketLock = join(socketDir, '.s.PGSQL.5432.lock');
    for (const [lock, text] of [
      [join(dir, 'postmaster.pid'), `${process.pid}\n${dir}\n`],
      [join(dir, 'postmaster.pid'), `${others}\n${dir}\n`],
      [join(dir, 'postmaster.pid'), ''],
      [socketLock, `${process.pid}\n${dir}\n`],
      [socketLock, `${others}\n${dir}\n`],
      [socketLock, ''],
    ] as const) {
      await writeFile(lock, text);
      await openAndClose(dir);
    }
  });

  it('refuses a directory on which another process runs its own', { timeout: 60_000 }, async (t) => {
    const dir = await newDirectory(t);
    const child = await openElsewhere(dir);
    t.after(() => child.kill('SIGKILL'));
    await assert.rejects(openEmbeddedWarehouse({ dir, log }), (error) => isFault(error, 'WAREHOUSE_IN_USE'));
    const attached = await attachEmbeddedWarehouse({ dir });
    assert.equal((await attached.pool.query('SELECT 1')).rowCount, 1);
    await attached.close();
  });

  it('stops in the middle of what clients do (D8)', async (t) => {
    const warehouse = await openEmbeddedWarehouse({ dir: await newDirectory(t), log });
    const lent = await warehouse.pool.connect();
    const query = lent.query('SELECT pg_sleep(0.3)');
    const closing = warehouse.close();
    await query;
    lent.release();
    await closing;
  });
});

describe('embedded warehouse, when PostgreSQL fails', { skip: process.platform !== 'linux' }, () => {
  let opened: TestWarehouse;
  before(async () => {
    opened = await openTestEmbedded();
  });
  after(() => opened.close());

  it(
    'D3: killed in the middle of batches, PostgreSQL is started again and every event lands once',
    { timeout: 120_000 },
    async () => {
      const { warehouse } = opened;
      const dir = opened.dir as string;
      const at = newPartition();
      const sink = sinkInto(warehouse, tableOf('killed'));
      // Connections to a server that was killed may go on for a while, but not into the next one.
      const running = async (): Promise<number> => {
        const found = await readLockFile(dir);
        if (found?.status === 'ready' && (await isPostgres(found.pid))) return found.pid;
        throw new Error('it is away');
      };
      const kill = async (): Promise<void> => {
        process.kill(await untilAnswered(running), 'SIGKILL');
        kills += 1;
      };
      let kills = 0;
      let next = 0;
      const end = 3000;
      while (next < end) {
        let staged: Staged | undefined;
        try {
          const partition = await sink.open(at);
          for (next = partition.next; next < end; next += 100) {
            staged = await stage(partition, batchOf(at, next, next + 100));
            if (next % 1000 === 500 && kills < next / 500) await kill();
            await staged.commit();
          }
        } catch {
          await staged?.abort();
          await sleep(20); // back-off, as the processor's
        }
      }
      assert.ok(kills >= 3);
      await untilAnswered(running);
      assert.deepEqual(await untilAnswered(() => landedIn(warehouse, 'killed', at)), idsOf(batchOf(at, 0, end)));
      const restarts = opened.lines.filter((line) => line.includes('runs again')).length;
      assert.ok(restarts > 0 && restarts <= kills, `${restarts} restarts after ${kills} kills`);
    },
  );

  it(
    'D2: a server that is stopped stalls its processor, and nothing is lost when it goes on',
    { timeout: 60_000 },
    async () => {
      const { warehouse } = opened;
      const at = newPartition();
      const partition = await sinkInto(warehouse, tableOf('stopped')).open(at);
      const server = await postmaster(opened.dir as string);
      const signal = async (name: NodeJS.Signals): Promise<void> => {
        for (const pid of [server, ...(await descendants(server))]) process.kill(pid, name);
      };
      const staged = await stage(partition, batchOf(at, 0, 100));
      await signal('SIGSTOP');
      const committing = staged.commit().then(() => 'committed');
      const first = await Promise.race([committing, sleep(500, 'stalled')]);
      await signal('SIGCONT');
      assert.equal(first, 'stalled');
      assert.equal(await committing, 'committed');
      const next = await stage(partition, batchOf(at, 100, 200));
      await next.commit();
      assert.deepEqual(await landedIn(warehouse, 'stopped', at), idsOf(batchOf(at, 0, 200)));
    },
  );
});
