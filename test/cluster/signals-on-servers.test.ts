/** signals on two nodes: their log on Kafka, the view on Redis or with the checkpoints in PostgreSQL. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { loadConfig } from '../../src/config/config.ts';
import { loadApps } from '../../src/engine/load-apps.ts';
import { rebuildInEngine } from '../../src/engine/rebuild-views.ts';
import { pipelinesOf } from '../../src/pipeline/apps.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { AnyView } from '../../src/views/rows.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { type OwnRedis, ownRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

interface Summary {
  readonly count: number;
  readonly followups: number;
}

async function post({ url, log }: Program, path: string): Promise<string> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { 'idempotency-key': randomUUID() } });
  const text = await answer.text();
  assert.equal(answer.status, 200, text + log());
  return text;
}

async function summary({ url }: Program, symbol: string): Promise<Summary | undefined> {
  const answer = await fetch(`${url}/dashboard/symbol/${symbol}`);
  const text = await answer.text();
  if (answer.status === 503) return undefined;
  assert.equal(answer.status, 200, text);
  const { count, followups } = JSON.parse(text) as Summary;
  return { count, followups };
}

/** A client with two initials, whose followups came before and after: two of them, so four pairs. */
async function visit(nodes: readonly Program[], symbol: string): Promise<void> {
  const uuid = randomUUID();
  const turn = (index: number): Program => nodes[index % nodes.length] as Program;
  await post(turn(0), `/followup?uuid=${uuid}`);
  await post(turn(1), `/initial?uuid=${uuid}&symbol=${symbol}`);
  await post(turn(2), `/initial?uuid=${uuid}&symbol=${symbol}`);
  await post(turn(3), `/followup?uuid=${uuid}`);
}

for (const [where, isOnRedis] of [
  ['Redis', true],
  ['PostgreSQL', false],
] as const) {
  suite(`signals on two nodes, its view on ${where}`, () => {
    let broker: OwnBroker;
    let postgres: OwnPostgres;
    let redis: OwnRedis | undefined;
    let env: Readonly<Record<string, string>>;
    let dir: string;
    const nodes: Program[] = [];
    const sent = new Map<string, number>();
    const visits = async (symbol: string, count: number): Promise<void> => {
      await Promise.all(Array.from({ length: count }, () => visit(nodes, symbol)));
      sent.set(symbol, (sent.get(symbol) ?? 0) + count);
    };
    const expected = (symbol: string): Summary => {
      const clients = sent.get(symbol) ?? 0;
      return { count: 2 * clients, followups: 4 * clients };
    };
    const agree = async (node: Program): Promise<boolean> => {
      for (const symbol of sent.keys()) {
        const found = await summary(node, symbol);
        if (found?.count !== expected(symbol).count || found.followups !== expected(symbol).followups) return false;
      }
      return true;
    };
    const allAgree = async (withinMs: number): Promise<void> => {
      const startedMs = performance.now();
      const inTime = async (node: Program): Promise<boolean> => {
        if (await agree(node)) return true;
        const found = await Promise.all([...sent.keys()].map(async (symbol) => [symbol, await summary(node, symbol)]));
        assert.ok(performance.now() - startedMs < withinMs, JSON.stringify({ found, sent: [...sent] }) + node.log());
        return false;
      };
      await Promise.all(nodes.map((node) => until(() => inTime(node))));
    };

    before(async () => {
      dir = await mkdtemp(join(tmpdir(), 'tributary-signals-'));
      [broker, postgres, redis] = await Promise.all([ownBroker(), ownPostgres(), isOnRedis ? ownRedis() : undefined]);
      const { host, port } = broker.address;
      env = { KAFKA_BROKERS: `${host}:${port}`, DATABASE_URL: postgres.url, ...(redis && { REDIS_URL: redis.url }) };
    });
    after(async () => {
      for (const node of nodes) await node.kill('SIGKILL');
      await Promise.all([broker.dispose(), postgres.dispose(), redis?.dispose()]);
      await rm(dir, { recursive: true, force: true });
    });
    const start = async (): Promise<Program> => {
      const node = await startProgram({ dataDir: join(dir, randomUUID()), env, args: ['--only', 'signals'] });
      nodes.push(node);
      return node;
    };

    test('a node reads what it has written at once, and the other within a second', async () => {
      await start();
      await start();
      await visits('w', 1);
      await allAgree(20_000); // by then each has its share of the partitions
      for (let turn = 0; turn < 10; turn++) {
        await visit([nodes[turn % 2] as Program], 'e');
        sent.set('e', turn + 1);
        assert.deepEqual(await summary(nodes[turn % 2] as Program, 'e'), expected('e'));
        await allAgree(1_000);
      }
    });

    test('D3: a node that is stopped, continued and killed, and one that comes, leave every event counted once', async () => {
      const [first] = nodes as [Program, Program];
      await visits('a', 10);
      first.child.kill('SIGSTOP');
      nodes.shift();
      await visits('a', 10);
      await allAgree(30_000);
      first.child.kill('SIGCONT');
      nodes.push(first);
      await visits('a', 10);
      await allAgree(30_000);
      await first.kill('SIGKILL');
      nodes.pop();
      await visits('b', 10);
      await start();
      await visits('b', 10);
      await allAgree(30_000);
    });

    test('D9: it is built anew while both answer, and no answer is less than what was written before it was asked', async () => {
      const { dataDir } = nodes[0] as Program;
      const rebuilding = runProgram(['views', 'rebuild', 'signals', '--data-dir', dataDir], env);
      const done = new AbortController();
      void rebuilding.finally(() => done.abort());
      for (let turn = 0; !done.signal.aborted || turn < 5; turn++) {
        const least = expected('a');
        const found = await summary(nodes[turn % 2] as Program, 'a');
        assert.ok(found === undefined || found.count >= least.count, JSON.stringify({ found, least }));
        await visits('a', 1);
      }
      const { code, stderr } = await rebuilding;
      assert.equal(code, 0, stderr);
      await allAgree(10_000);
    });

    test('D3: partitions that processes of their own count for it come to the same, while both answer', async () => {
      const config = loadConfig({ env, flags: { dataDir: (nodes[0] as Program).dataDir } });
      const pipeline = pipelinesOf(await loadApps(config)).find(({ name }) => name === 'signals') as Pipeline;
      const [view] = pipeline.views as readonly [AnyView];
      const rebuilding = rebuildInEngine(config, pipeline, view, {
        isPartial: false,
        onProgress: () => {},
        processesFromRecords: 0,
      });
      await visits('p', 5);
      const { records, skipped } = await rebuilding;
      assert.ok(records > 0);
      assert.equal(skipped, 0);
      await visits('p', 1);
      await allAgree(10_000);
    });

    if (isOnRedis)
      test('D3: a Redis that goes back, is emptied, or is away for a while, comes to the same', async () => {
        const store = redis as OwnRedis;
        await allAgree(10_000);
        await store.save();
        await visits('z', 5);
        await allAgree(10_000);
        await store.kill();
        await store.goBack();
        await store.start();
        await allAgree(30_000);
        await store.command('FLUSHALL');
        await visits('z', 5);
        await allAgree(30_000);
      });

    test('D8: both end as they should', async () => {
      for (const node of nodes) assert.equal(await node.kill('SIGTERM'), 0, node.log());
      nodes.length = 0;
    });
  });
}
