/**
 * A schedule on two nodes that share a log on Kafka, a database and a bucket. The one that pulls is killed, the one after it stands still in its
 * run and goes on when another has long taken over: each version is there once.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { openPostgresStore } from '../../src/stores/state/postgres-store.ts';
import { ownBroker } from '../support/kafka-broker.ts';
import { type Asked, listApi, sendJson } from '../support/list-api.ts';
import { ownPostgres } from '../support/own-postgres.ts';
import { frozenAtEachCall, type PullNodes, pullNodes } from '../support/pull-nodes.ts';
import { type Program, runProgram, scratch, startProgram } from '../support/program.ts';
import { ownBucket, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

useS3Credentials();

const scheduled = `import { rest } from '${join(import.meta.dirname, '../../src/index.ts')}';
const changes = rest.pull({ name: 'changes', base: rest.variable('API_URL'), path: 'changes', key: ({ id }) => id,
  auth: rest.bearer(rest.variable('NODE_NAME')), schedule: '* * * * * *',
  schema: { type: 'object', properties: { id: { type: 'string', minLength: 2 } } },
  timeouts: { firstByteMs: 120_000, wholeMs: 120_000 },
  incremental: { field: 'n', type: 'integer', parameter: 'after', overlap: 5 } });
export const app = { pulls: [changes] };`;

interface Line {
  readonly id: string;
  readonly n: number;
}

async function linesOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys = await Array.fromAsync(store.list(prefix));
  const texts = await Promise.all(keys.map(async (key) => String(await store.get(key))));
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
}

const numberOf = (line: string): number => (JSON.parse(line) as Line).n;

suite('a pull on two nodes', { timeout: 300_000 }, () => {
  test('D3, D5: with PostgreSQL and S3, one stands still before any call to them, while another one pulls, and goes on', async (t) => {
    const root = await scratch(t);
    const postgres = await ownPostgres();
    t.after(() => postgres.dispose());
    const nodesOf = async (call: number): Promise<PullNodes> => {
      const state = openPostgresStore({ url: postgres.url });
      await state.commit({ delete: ['pull/changes'] });
      const objects = await openS3Store({ bucket: await ownBucket(), endpoint: sharedS3 });
      return pullNodes(t, join(root, `${call}`), { objects, state });
    };
    assert.deepEqual(await frozenAtEachCall(nodesOf), new Set(['PULL_UNDER_WAY', 'PULL_OVERTAKEN', 'done']));
  });

  test('D3, D5: by a schedule, one is killed in its run, one stands still in its run and goes on, each version is pulled once', async (t) => {
    const dir = await scratch(t);
    const [broker, postgres, bucket] = await Promise.all([ownBroker(), ownPostgres(), ownBucket()]);
    t.after(() => Promise.all([broker.dispose(), postgres.dispose()]));
    const list: Line[] = [];
    const waiting: Asked[] = [];
    let isWaiting = false;
    const answer = (asked: Asked): void => {
      const after = Number(asked.url.searchParams.get('after') ?? 0);
      const changed = list.filter(({ n }) => n >= after);
      sendJson(asked, changed);
    };
    const api = await listApi(t, (asked) => {
      // Three more each time; the second is refused.
      for (const id of [`item ${list.length % 7}`, 'x', 'other']) list.push({ id, n: list.length });
      if (isWaiting) waiting.push(asked);
      else answer(asked);
    });
    await writeFile(join(dir, 'scheduled.ts'), scheduled);
    const config = join(dir, 'config.json');
    await writeFile(config, JSON.stringify({ pipelines: ['scheduled.ts'] }));
    const environment = (name: string): Record<string, string> => ({
      ...s3Environment,
      KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}`,
      DATABASE_URL: postgres.url,
      S3_BUCKET: bucket,
      S3_ENDPOINT: sharedS3,
      API_URL: api.url,
      NODE_NAME: name,
    });
    const nodes = new Map<string, Program>();
    const start = async (name: string): Promise<void> => {
      const about = { dataDir: join(dir, name), env: environment(name), args: ['--config', config] };
      const node = await startProgram(about);
      t.after(() => node.kill('SIGKILL'));
      nodes.set(name, node);
    };
    const runsBy = (name: string): number =>
      api.requests.filter(({ authorization }) => authorization === `Bearer ${name}`).length;
    /** The node that is in a run, and gets no answer until it is given one. */
    const inRun = async (): Promise<string> => {
      isWaiting = true;
      await until(() => waiting.length > 0);
      isWaiting = false;
      return waiting[0]!.request.headers.authorization!.replace('Bearer ', '');
    };
    await start('one');
    await start('two');
    await until(() => api.requests.length > 3);

    const killed = await inRun();
    const other = killed === 'one' ? 'two' : 'one';
    const before = runsBy(other);
    await nodes.get(killed)!.kill('SIGKILL');
    nodes.delete(killed);
    waiting.length = 0;
    await until(() => runsBy(other) > before + 1);
    await start('three');

    const frozen = await inRun();
    const [next] = [...nodes.keys()].filter((name) => name !== frozen);
    const runsBefore = runsBy(next!);
    nodes.get(frozen)!.child.kill('SIGSTOP');
    await until(() => runsBy(next!) > runsBefore + 1);
    nodes.get(frozen)!.child.kill('SIGCONT');
    for (const asked of waiting.splice(0)) answer(asked);
    await until(() => nodes.get(frozen)!.log().includes('PULL_OVERTAKEN'));

    for (const node of nodes.values()) assert.equal(await node.kill('SIGTERM'), 0, node.log());
    const args = ['pull', 'changes', '--config', config, '--data-dir', join(dir, 'four')];
    const last = await runProgram(args, environment('four'));
    assert.equal(last.code, 0, last.stderr);
    const store = await openS3Store({ bucket, endpoint: sharedS3 });
    const kept = (await linesOf(store, 'raw/')).map(numberOf);
    const refused = (await linesOf(store, 'dead-letter/')).map((line) =>
      numberOf((JSON.parse(line) as { event: string }).event),
    );
    const expected = list.map(({ n }) => n);
    const all = [...kept, ...refused].toSorted((a, b) => a - b);
    t.diagnostic(JSON.stringify({ kept: kept.length, refused: refused.length, requests: api.requests.length }));
    assert.deepEqual(all, expected);
  });
});
