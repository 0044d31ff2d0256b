/** Batches of the real program, which is killed, or whose PostgreSQL is, in each phase: all rows or none, and the status says which (D7). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { Client } from 'pg';
import { type Answered, bulkAppModule, bulkClient, path, tables } from '../support/bulk-server.ts';
import { type OwnPostgresServer, ownPostgresServer } from '../support/postgres-server.ts';
import { canMeasureMemory, peakMegabytes, resetPeak } from '../support/process-memory.ts';
import { type Program, scratch, startFor } from '../support/program.ts';
import { until } from '../support/until.ts';
import { untilAnswered } from '../support/until-answered.ts';

const rows = 3_000;
const batch = 'AAAAA,BBBBB,2021-01-01,100\n'.repeat(rows);

describe('batches and kills', { timeout: 180_000 }, () => {
  let postgres: OwnPostgresServer;
  let client: Client;
  before(async () => {
    postgres = await ownPostgresServer();
    client = await connected(postgres);
    await client.query(tables);
  });
  after(async () => {
    await client.end();
    await postgres.stop();
  });
  beforeEach(() => client.query('TRUNCATE prices'));

  const landed = async (): Promise<number> => (await client.query('SELECT FROM prices')).rowCount ?? -1;
  const batchOf = async (key: string): Promise<{ id: string; state: string } | undefined> =>
    (
      await client
        .query(`SELECT id, state FROM tributary_batches WHERE idempotency_key = $1`, [key])
        .catch(() => undefined)
    )?.rows[0];

  async function program(t: TestContext): Promise<() => Promise<Program>> {
    const dir = await scratch(t);
    const config = join(dir, 'config.json');
    await writeFile(join(dir, 'app.js'), bulkAppModule);
    await writeFile(config, JSON.stringify({ pipelines: ['app.js'] }));
    return async () => {
      const env = { DATABASE_URL: postgres.url };
      const started = await startFor(t, { dataDir: join(dir, 'data'), env, args: ['--config', config] });
      const { status } = bulkClient(started.url, path);
      await until(async () => (await status('x')).status === 404); // the warehouse is up
      return started;
    };
  }

  it('D7: killed while it receives: nothing is in, the status says so, and the key is free', async (t) => {
    const start = await program(t);
    const first = await start();
    const socket = beginBatch(first.url, 'receiving');
    await until(async () => (await batchOf('receiving')) !== undefined);
    await first.kill('SIGKILL');
    socket.destroy();
    await endedIn(await start(), 'receiving', 'rejected');
  });

  it('D7: killed while it waits for a row that is referred to', async (t) => {
    await killedWaiting(t, 'references', `DELETE FROM ports WHERE code = 'BBBBB'`);
  });

  it('D7: killed while rows go in', async (t) => {
    await killedWaiting(t, 'insert', 'LOCK TABLE prices IN EXCLUSIVE MODE');
  });

  it('D7: killed between the commit and the end of all: it is in, once', async (t) => {
    const start = await program(t);
    const first = await start();
    const { status, answer } = await send(first.url, 'committed');
    await first.kill('SIGKILL');
    assert.equal(status, 201, JSON.stringify(answer));
    const again = await start();
    const repeated = await send(again.url, 'committed');
    assert.equal(repeated.status, 200);
    assert.equal(repeated.answer.batch_id, answer.batch_id);
    assert.equal(await landed(), rows);
  });

  it('D7, D8: a batch in progress at SIGTERM is finished', async (t) => {
    const first = await (await program(t))();
    const blocker = await connected(postgres);
    await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    const sent = send(first.url, 'drained');
    await until(async () => (await batchOf('drained'))?.state === 'validating');
    const ended = first.kill('SIGTERM');
    await until(() => first.log().includes('drain') || first.child.signalCode === null);
    await blocker.end();
    const { status, answer } = await sent;
    assert.equal(status, 201, JSON.stringify(answer));
    assert.equal(await ended, 0);
    assert.equal(await landed(), rows);
  });

  it('D7: PostgreSQL killed while a batch is checked: 503, and sent again it is in once', async (t) => {
    const first = await (await program(t))();
    const blocker = await connected(postgres);
    await blocker.query('BEGIN; LOCK TABLE prices IN EXCLUSIVE MODE');
    const sent = send(first.url, 'restarted');
    await until(async () => (await batchOf('restarted'))?.state === 'validating');
    for (const one of [blocker, client]) one.on('error', () => undefined);
    await postgres.halt('SIGKILL');
    await postgres.start();
    client = await untilAnswered(() => connected(postgres)); // it recovers first
    const { status, answer } = await sent;
    assert.equal(status, 503, JSON.stringify(answer));
    assert.equal((await bulkClient(first.url, path).status(answer.batch_id)).answer.state, 'rejected');
    assert.equal(await landed(), 0);
    assert.equal((await send(first.url, 'restarted')).status, 201);
    assert.equal(await landed(), rows);
  });

  it('D7: PostgreSQL restarted while a batch is received: its sender is told at once, and sent again it is in once', async (t) => {
    const first = await (await program(t))();
    const socket = beginBatch(first.url, 'cut-off');
    await until(async () => (await batchOf('cut-off')) !== undefined);
    const { id } = (await batchOf('cut-off'))!;
    const answered = once(socket, 'data');
    client.on('error', () => undefined);
    await postgres.halt('shutdown');
    await postgres.start();
    client = await untilAnswered(() => connected(postgres));
    assert.match(String((await answered)[0]), /^HTTP\/1\.1 503 [^]*WAREHOUSE_UNAVAILABLE/);
    assert.equal((await bulkClient(first.url, path).status(id)).answer.state, 'rejected');
    assert.equal(await landed(), 0);
    assert.equal((await send(first.url, 'cut-off')).status, 201);
    assert.equal(await landed(), rows);
  });

  it('D6, D7: memory does not grow with the batch', { skip: !canMeasureMemory && 'needs /proc' }, async (t) => {
    const first = await (await program(t))();
    const bytes = 200 * batch.length;
    assert.equal((await send(first.url, 'warm')).status, 201);
    await resetPeak(first.child.pid!);
    const baseMegabytes = await peakMegabytes(first.child.pid!);
    const socket = beginBatch(first.url, 'large', bytes);
    for (let i = 1; i < bytes / batch.length; i++) if (!socket.write(batch)) await once(socket, 'drain');
    await until(async () => (await batchOf('large'))?.state === 'committed');
    assert.equal(await landed(), 201 * rows);
    const grownMegabytes = (await peakMegabytes(first.child.pid!)) - baseMegabytes;
    t.diagnostic(`${200 * rows} rows: ${Math.round(grownMegabytes)} MB more than ${rows}`);
    assert.ok(grownMegabytes < 96, `${grownMegabytes} MB`);
    socket.destroy();
  });

  async function killedWaiting(t: TestContext, key: string, block: string): Promise<void> {
    const start = await program(t);
    const first = await start();
    const blocker = await connected(postgres);
    await blocker.query(`BEGIN; ${block}`);
    const cut = send(first.url, key).then(
      () => assert.fail('answered'),
      () => undefined,
    );
    await until(async () => (await client.query('SELECT FROM pg_locks WHERE NOT granted')).rows.length > 0);
    const id = (await batchOf(key))?.id as string;
    await first.kill('SIGKILL');
    await cut;
    const again = await start();
    await until(async () => (await bulkClient(again.url, path).status(id)).answer.state === 'rejected'); // while it would still wait
    await blocker.query('ROLLBACK');
    await blocker.end();
    await endedIn(again, key, 'rejected', id);
  }

  /** Then the same batch goes in under its key. */
  async function endedIn(again: Program, key: string, state: string, known?: string): Promise<void> {
    const id = known ?? (await batchOf(key))?.id ?? '';
    const { status } = bulkClient(again.url, path);
    await until(async () => (await status(id)).answer.state === state);
    assert.equal(await landed(), 0);
    const sent = await send(again.url, key);
    assert.equal(sent.status, 201, JSON.stringify(sent.answer));
    assert.equal(await landed(), rows);
    assert.equal((await status(id)).answer.state, state);
    assert.equal((await status(sent.answer.batch_id)).answer.state, 'committed');
  }
});

function send(url: string, key: string): Promise<Answered> {
  return bulkClient(url, path).send(batch, { 'content-type': 'text/csv', 'idempotency-key': key });
}

/** Sends the first of it. */
function beginBatch(url: string, key: string, bytes = 2 * batch.length): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined); // the program is killed
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nIdempotency-Key: ${key}\r\nContent-Length: ${bytes}\r\n\r\n${batch}`,
  );
  return socket;
}

async function connected({ url }: OwnPostgresServer): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
