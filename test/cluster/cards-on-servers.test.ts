/** cards on two nodes that watch one directory: the log on Kafka, schemas, objects, state and rows on servers. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { Client } from 'pg';
import { generateCards } from '../../apps/cards/generate.ts';
import type { MadeEvent } from '../../apps/cards/made-events.ts';
import { expectedWarehouse, readWarehouse } from '../apps/cards/expected-warehouse.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';
import { type OwnRedis, ownRedis } from '../support/redis-server.ts';
import { sharedRegistry } from '../support/registry-service.ts';
import { ownBucket, s3Environment, sharedS3 } from '../support/s3-server.ts';
import { until } from '../support/until.ts';

const lines = [...generateCards({ count: 900, invalidShare: 0, seed: 'servers', now: () => Date.UTC(2022, 3, 2) })];
const expected = expectedWarehouse(lines.map((line) => JSON.parse(line) as MadeEvent));
const thirdOf = (part: number): readonly string[] => lines.slice(300 * part, 300 * (part + 1));

/** By a node. */
async function loadedBy({ url }: Program): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^tributary_files_total\{[^}]*outcome="loaded"[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

suite('cards on two nodes, all of it on servers', { timeout: 240_000 }, () => {
  let dir: string;
  let broker: OwnBroker;
  let postgres: OwnPostgres;
  let redis: OwnRedis;
  let env: Readonly<Record<string, string>>;
  const nodes: Program[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'tributary-cards-'));
    [broker, postgres, redis] = await Promise.all([ownBroker(), ownPostgres(), ownRedis()]);
    env = {
      KAFKA_BROKERS: `${broker.address.host}:${broker.address.port}`,
      SCHEMA_REGISTRY_URL: sharedRegistry,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      ...s3Environment,
      S3_BUCKET: await ownBucket(),
      S3_ENDPOINT: sharedS3,
    };
    const directories = ['inbox/users', 'inbox/cards'];
    for (const name of directories) await mkdir(join(dir, name), { recursive: true });
    await writeFile(join(dir, 'config.json'), JSON.stringify({ files: { cards: { directories } } }));
  });
  after(async () => {
    for (const node of nodes) await node.kill('SIGKILL');
    await Promise.all([broker.dispose(), postgres.dispose(), redis.dispose()]);
    await rm(dir, { recursive: true, force: true });
  });

  async function start(name: string): Promise<Program> {
    const args = ['--only', 'cards', '--config', join(dir, 'config.json')];
    const node = await startProgram({ dataDir: join(dir, name), env, args });
    nodes.push(node);
    return node;
  }

  async function write(part: number): Promise<void> {
    for (const [index, line] of thirdOf(part).entries()) {
      const kind = line.includes('"type":"user"') ? 'users' : 'cards';
      await writeFile(
        join(dir, 'inbox', kind, `${part}-${index}.json`),
        JSON.stringify(JSON.parse(line), undefined, 2),
      );
    }
  }

  async function haveLanded(count: number): Promise<void> {
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    try {
      await until(async () => {
        const { rows } = await client.query<{ is: boolean }>(`SELECT to_regclass('cards.events') IS NOT NULL AS is`);
        if (!rows[0]!.is) return false; // no node has opened it yet
        const counted = await client.query<{ n: number }>('SELECT count(*)::integer AS n FROM cards.events');
        return counted.rows[0]!.n === count;
      });
    } finally {
      await client.end();
    }
  }

  test('D3, D5: each file is taken by one of them, once; the tables are a fold over the set of events', async () => {
    await write(0);
    const [first, second] = await Promise.all([start('one'), start('two')]);
    await write(1);
    await haveLanded(600);
    let loaded: readonly [number, number] = [0, 0];
    await until(async () => {
      loaded = [await loadedBy(first), await loadedBy(second)];
      return loaded[0] + loaded[1] >= 600; // told once the rows may be there
    });
    assert.equal(loaded[0] + loaded[1], 600, loaded.join(' and '));

    const [taking, other] = loaded[0] > 0 ? [first, second] : [second, first];
    const ofOther = await loadedBy(other);
    assert.equal(await taking.kill('SIGTERM'), 0, taking.log());
    await write(2);
    await haveLanded(900);
    await until(async () => (await loadedBy(other)) - ofOther >= 300);
    assert.equal((await loadedBy(other)) - ofOther, 300, 'what the first has taken is not taken again');
    assert.deepEqual(await readWarehouse(postgres.url), expected);
  });

  test('D2: a bad file is a dead letter; repaired and replayed it is in the tables, with its file', async () => {
    const at = ['--data-dir', join(dir, 'three'), '--config', join(dir, 'config.json')];
    const run = async (...args: readonly string[]): Promise<string> => {
      const ran = await runProgram([...args, ...at], env);
      assert.equal(ran.code, 0, ran.stderr);
      return ran.stdout;
    };
    const { metadata, payload } = JSON.parse(lines.at(-1)!) as MadeEvent;
    const event_id = '0b7f7c7e-3f0e-4c57-9a3c-5b1c65a2f001';
    const bad = { metadata: { ...metadata, event_id }, payload: { ...payload, id: 100_000, active: 'yes' } };
    await writeFile(join(dir, 'inbox/cards/bad.json'), JSON.stringify(bad));
    const { url } = await start('three');
    await until(async () => (await run('dead-letters', 'list', '--json')).includes('inbox/cards/bad.json'));
    for (const args of [['edit', '--patch', '{"payload":{"active":true}}'], ['replay']])
      await run('dead-letters', ...args, '--reason', 'payload.active', '--yes', '--to', url);
    await haveLanded(901);
    const found = await run(
      'sql',
      '--json',
      `SELECT file, active FROM events JOIN cards USING (event_id) WHERE id = 100000`,
    );
    assert.deepEqual(JSON.parse(found), [{ file: `${join(dir, 'inbox/cards')}/bad.json`, active: true }]);
  });

  test('D2: lag --wait waits for files whichever node is asked, and whichever takes them', async () => {
    const alive = nodes.filter(({ child }) => child.exitCode === null);
    assert.equal(alive.length, 2);
    const { metadata, payload } = JSON.parse(lines.at(-1)!) as MadeEvent;
    for (const [index, { dataDir }] of alive.entries()) {
      const event_id = `0b7f7c7e-3f0e-4c57-9a3c-5b1c65a2f10${index}`;
      await writeFile(
        join(dir, 'inbox/cards', `${index}.json`),
        JSON.stringify({ metadata: { ...metadata, event_id }, payload }),
      );
      const at = ['--data-dir', dataDir, '--config', join(dir, 'config.json')];
      const waited = await runProgram(['lag', '--wait', '--timeout', '60', ...at], env);
      assert.deepEqual([waited.code, waited.stderr], [0, '']);
      const found = await runProgram(
        ['sql', '--json', `SELECT count(*) AS n FROM events WHERE event_id = '${event_id}'`, ...at],
        env,
      );
      assert.deepEqual(JSON.parse(found.stdout), [{ n: 1 }]);
    }
  });
});
