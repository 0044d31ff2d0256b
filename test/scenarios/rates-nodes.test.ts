/** Two nodes of `rates` on one PostgreSQL: one is killed, or both are replaced in turn, while batches are in progress (D7, D8). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, suite, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Client } from 'pg';
import { type BalancedNode, Balancer } from '../support/balancer.ts';
import type { BulkAnswer } from '../support/bulk-server.ts';
import { httpRequest } from '../support/http-request.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { beginUpload } from '../support/raw-connection.ts';
import { type Program, runProgram, scratch, startFor } from '../support/program.ts';
import { until } from '../support/until.ts';

const path = '/rates/batches';
/** What a node that was killed leaves is told by the other one in so long; PostgreSQL looks once a second. */
const tellsWithinMs = 10_000;
const graceMs = 700;
const rounds = 3;

suite('two nodes of rates', { timeout: 600_000, concurrency: false }, () => {
  let postgres: OwnPostgres;
  let client: Client;
  let places: readonly string[];
  before(async () => {
    postgres = await ownPostgres();
    const made = await runProgram(['rates', 'init', '--prices', '2000', '--seed', '7'], { DATABASE_URL: postgres.url });
    assert.equal(made.code, 0, made.stderr);
    client = new Client({ connectionString: postgres.url });
    await client.connect();
    const { rows } = await client.query<{ code: string }>('SELECT code FROM ports ORDER BY code LIMIT 2');
    places = rows.map(({ code }) => code);
  });
  after(async () => {
    await client.end();
    await postgres.dispose();
  });

  async function startNode(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Program> {
    const dataDir = join(await scratch(t), 'data');
    const env = { DATABASE_URL: postgres.url, TRIBUTARY_DRAIN_GRACE_MS: String(graceMs), ...more };
    const node = await startFor(t, { dataDir, env, args: ['--only', 'rates'] });
    return node;
  }

  async function countOn(day: string): Promise<number> {
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::integer AS n FROM prices WHERE day = $1', [
      day,
    ]);
    return rows[0]!.n;
  }

  const line = (day: string): string => `${places.join(',')},${day},100\n`;
  const ratesOn = (from: string, to: string): string =>
    `/rates?date_from=${from}&date_to=${to}&orig_code=${places[0]}&dest_code=${places[1]}`;

  test('D7: started at the same time on a new database, with their first batches at once: both go in', async (t) => {
    const nodes = await Promise.all([startNode(t), startNode(t)]);
    const ready = await Promise.all(nodes.map((node) => untilReady(node)));
    assert.deepEqual(ready, [200, 200]);
    const days = nodes.map((_, i) => dayNumber(i));
    const sent = await Promise.all(
      nodes.map(({ url }, i) => httpRequest(url + path, { body: line(days[i]!), headers: csv })),
    );
    assert.deepEqual(
      sent.map(({ status, text }) => [status, (JSON.parse(text) as BulkAnswer).rows]),
      [
        [201, 1],
        [201, 1],
      ],
    );
    for (const { batch_id: id } of sent.map(({ text }) => JSON.parse(text) as BulkAnswer))
      for (const { url } of nodes) assert.equal((await statusOf(url, id)).state, 'committed');
  });

  test('D7, D8: one is killed at any moment of a batch: reads go on from the other, which says what became of it', async (t) => {
    const survivor = await startNode(t);
    await untilReady(survivor);
    const first = await httpRequest(survivor.url + path, { body: line(dayNumber(99)), headers: csv });
    assert.equal(first.status, 201, first.text);
    const reading = readOn(survivor);
    const slowestMs: number[] = [];
    const outcomes: string[] = [];
    const rows = 60_000;
    for (let i = 0; i < 6; i++) {
      const day = dayNumber(100 + i);
      const key = `killed-${i}`;
      const victim = await startNode(t);
      await untilReady(victim);
      const sent = httpRequest(victim.url + path, {
        body: line(day).repeat(rows),
        headers: { ...csv, 'idempotency-key': key },
      }).catch(() => undefined);
      const id = await untilBegun(key);
      await Promise.race([sent, sleep(i * 250)]); // any moment from its begin to its end
      await victim.kill('SIGKILL');
      const killedMs = performance.now();
      const answered = await sent;
      await until(async () => /committed|rejected/.test((await statusOf(survivor.url, id)).state ?? ''));
      slowestMs.push(performance.now() - killedMs);
      const { state } = await statusOf(survivor.url, id);
      outcomes.push(state!);
      assert.equal(await countOn(day), state === 'committed' ? rows : 0);
      if (answered?.status === 201) assert.equal(state, 'committed', 'what was acknowledged is in');
      const body = line(day).repeat(rows);
      const again = await httpRequest(survivor.url + path, { body, headers: { ...csv, 'idempotency-key': key } });
      assert.equal(again.status, state === 'committed' ? 200 : 201, again.text);
      assert.equal(await countOn(day), rows);
    }
    assert.ok(Math.max(...slowestMs) < tellsWithinMs, slowestMs.join());
    const reads = await reading.stop();
    t.diagnostic(`killed: ${outcomes.join(', ')}; told after ${Math.round(Math.max(...slowestMs))} ms; ${reads} reads`);
  });

  test('D8: on SIGTERM a node is unready, and takes all that comes until the grace is over', async (t) => {
    const longMs = 4_000; // for a busy machine
    const node = await startNode(t, { TRIBUTARY_DRAIN_GRACE_MS: String(longMs) });
    await untilReady(node);
    const toldMs = performance.now();
    const ended = node.kill('SIGTERM');
    await until(async () => (await httpRequest(`${node.url}/health/ready`)).status === 503);
    for (let i = 0; i < 5; i++) {
      const { status, headers } = await httpRequest(node.url + ratesOn('2021-01-01', '2021-01-31'));
      assert.deepEqual([status, headers.connection], [200, 'close']);
    }
    const batch = await httpRequest(node.url + path, { body: line(dayNumber(200)), headers: csv });
    assert.equal(batch.status, 201, batch.text);
    assert.equal(await ended, 0, node.log());
    assert.ok(performance.now() - toldMs >= longMs);
  });

  test('D7, D8: a batch that never ends does not hold the exit beyond drainTimeoutMs, and the other node says that it is not in', async (t) => {
    const [node, other] = [await startNode(t, { TRIBUTARY_DRAIN_TIMEOUT_MS: '1500' }), await startNode(t)];
    await Promise.all([untilReady(node), untilReady(other)]);
    const day = dayNumber(300);
    const batch = await beginUpload(node.url, 1_000_000, line(day), {
      path,
      headers: { 'content-type': 'text/csv', 'idempotency-key': 'never-ends' },
    });
    const id = await untilBegun('never-ends');
    const toldMs = performance.now();
    assert.equal(await node.kill('SIGTERM'), 1);
    const tookMs = performance.now() - toldMs;
    assert.ok(tookMs >= 1_400 && tookMs < 6_000, `${tookMs} ms`);
    await assert.rejects(batch.status, 'nobody is told that it is in');
    await until(async () => (await statusOf(other.url, id)).state === 'rejected');
    assert.equal(await countOn(day), 0);
  });

  test('D8: a node that has not reached PostgreSQL yet is unready; one that has stays ready while PostgreSQL is away', async (t) => {
    const own = await ownPostgres();
    t.after(() => own.dispose());
    await own.crash();
    const node = await startFor(t, {
      dataDir: join(await scratch(t), 'data'),
      env: { DATABASE_URL: own.url },
      args: ['--only', 'rates'],
    });
    const ready = async (): Promise<number> => (await httpRequest(`${node.url}/health/ready`)).status;
    await until(() => node.log().includes('the warehouse is not up'));
    assert.equal(await ready(), 503);
    await own.start();
    await until(async () => (await ready()) === 200);
    await own.crash();
    assert.equal((await httpRequest(node.url + ratesOn('2021-01-01', '2021-01-31'))).status, 503);
    assert.equal(await ready(), 200);
  });

  test('D7, D8: each replaced in turn under load, with batches in progress: nothing refused, cut short, lost or twice', async (t) => {
    const balancer = new Balancer();
    t.after(() => balancer.close());
    const nodes: BalancedNode[] = [];
    for (let i = 0; i < 2; i++) nodes.push(await balancer.add(await startNode(t)));
    const load = new Load(balancer, { line, ratesOn });
    let inProgress = 0;
    for (let i = 0; i < 2 * rounds; i++) {
      const old = nodes.shift()!;
      await until(() => old.uploads >= 2);
      await sleep(200); // in the middle of them
      inProgress += old.uploads;
      assert.equal(await old.program.kill('SIGTERM'), 0, old.program.log());
      balancer.remove(old);
      nodes.push(await balancer.add(await startNode(t)));
    }
    await load.stop();
    t.diagnostic(
      `${2 * rounds} nodes replaced with ${inProgress} batches in progress: ${load.reads} reads, ${load.batches.size} batches; ` +
        `refused ${load.refused.length}, cut short ${load.cut.length}; ${balancer.passedOver} connections went to the other node`,
    );
    assert.deepEqual([load.refused, load.cut], [[], []]);
    assert.ok(inProgress >= 2 * rounds);
    for (const [day, { rows, id }] of load.batches) {
      assert.equal(await countOn(day), rows, `batch ${id}`);
      assert.equal((await statusOf(nodes[0]!.program.url, id)).state, 'committed');
    }
    const open = await client.query(`SELECT FROM tributary_batches WHERE state IN ('receiving', 'validating')`);
    assert.equal(open.rowCount, 0);
  });

  async function untilBegun(key: string): Promise<string> {
    let id: string | undefined;
    const query = 'SELECT id FROM tributary_batches WHERE idempotency_key = $1';
    await until(async () => {
      id = (await client.query<{ id: string }>(query, [key])).rows[0]?.id;
      return id !== undefined;
    });
    return id!;
  }

  /** Asks again and again; all must be answered. */
  function readOn(node: Program): { readonly stop: () => Promise<number> } {
    const ended = new AbortController();
    const reading = (async () => {
      let reads = 0;
      for (; !ended.signal.aborted; await sleep(5), reads++) {
        const { status, text } = await httpRequest(node.url + ratesOn('2021-01-01', '2021-01-31'));
        assert.equal(status, 200, text);
      }
      return reads;
    })();
    return {
      stop: () => {
        ended.abort();
        return reading;
      },
    };
  }
});

const csv = { 'content-type': 'text/csv' };

async function untilReady({ url }: Program): Promise<number> {
  await until(async () => (await httpRequest(`${url}/health/ready`)).status === 200);
  return (await httpRequest(url + '/rates?date_from=2021-01-02&date_to=2021-01-01&orig_code=a&dest_code=b')).status;
}

async function statusOf(url: string, id: string): Promise<BulkAnswer> {
  return JSON.parse((await httpRequest(`${url}${path}/${id}`)).text) as BulkAnswer;
}

/** Days on which the sample has no prices; each batch has its own. */
function dayNumber(n: number): string {
  return new Date(Date.UTC(3000, 0, 1 + n)).toISOString().slice(0, 10);
}

interface LoadData {
  readonly line: (day: string) => string;
  readonly ratesOn: (from: string, to: string) => string;
}

/** Reads without a pause, small batches, large ones, and ones that come in slowly. */
class Load {
  reads = 0;
  /** Those that are acknowledged, by the day of their rows. */
  readonly batches = new Map<string, { readonly rows: number; readonly id: string }>();
  readonly refused: string[] = [];
  readonly cut: string[] = [];
  readonly #balancer: Balancer;
  readonly #data: LoadData;
  readonly #ended = new AbortController();
  readonly #workers: Promise<void[]>;
  #days = 1_000;

  constructor(balancer: Balancer, data: LoadData) {
    this.#balancer = balancer;
    this.#data = data;
    const kinds = [() => this.#read(), () => this.#read(), () => this.#large(), () => this.#large()];
    kinds.push(
      () => this.#slow(),
      () => this.#slow(),
      () => this.#slow(),
      () => this.#small(),
    );
    this.#workers = Promise.all(kinds.map((kind) => this.#again(kind)));
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#workers;
  }

  async #again(work: () => Promise<void>): Promise<void> {
    while (!this.#ended.signal.aborted) await work().catch((error: Error) => this.cut.push(inspect(error)));
  }

  async #read(): Promise<void> {
    const { status, text } = await this.#balancer.send({ path: this.#data.ratesOn('2021-01-01', '2021-01-31') });
    if (status !== 200) this.refused.push(`read: ${status} ${text}`);
    else if ((JSON.parse(text) as { rates: unknown[] }).rates.length !== 31) this.cut.push(text);
    this.reads += 1;
    await sleep(5);
  }

  #large(): Promise<void> {
    return this.#batch(100_000, (part) => [part.repeat(100_000)]);
  }

  #small(): Promise<void> {
    return this.#batch(50, (part) => [part.repeat(50)]);
  }

  /** Two seconds to send it. */
  #slow(): Promise<void> {
    return this.#batch(4_000, async function* (part) {
      for (let i = 0; i < 40; i++, await sleep(50)) yield part.repeat(100);
    });
  }

  async #batch(rows: number, body: (line: string) => AsyncIterable<string> | Iterable<string>): Promise<void> {
    const day = dayNumber(this.#days++);
    const part = this.#data.line(day);
    const headers = { ...csv, 'idempotency-key': `rolling-${day}` };
    const { status, text } = await this.#balancer.send({ path, headers, body: () => body(part) });
    if (status === 201) this.batches.set(day, { rows, id: (JSON.parse(text) as BulkAnswer).batch_id });
    else this.refused.push(`batch of ${rows}: ${status} ${text}`);
  }
}
