/** The whole program with its state on PostgreSQL and its views on Redis, which go away, come back, and lose what they had. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { collect, type PackageAnswer } from '../support/http-request.ts';
import { type OwnBroker, ownBroker } from '../support/kafka-broker.ts';
import { caughtUp, objectsOf, rowsOf } from '../support/landed.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type Program, scratch, startProgram } from '../support/program.ts';
import { type OwnRedis, ownRedis } from '../support/redis-server.ts';

const seconds = 120;

/** Until it is taken: by whichever of the programs answers. */
async function sendUntilTaken(urls: () => readonly string[], key: string): Promise<PackageAnswer> {
  const body = packageOf([collectEvent({ data: JSON.stringify({ id: key, amount: 1 }) })]);
  for (let turn = 0; ; turn++) {
    const all = urls();
    const sent = collect(all[turn % all.length]!, body, { 'idempotency-key': key });
    const { status, text } = await sent.catch(() => ({ status: 503, text: 'no answer' }));
    if (status === 200) return JSON.parse(text) as PackageAnswer;
    assert.equal(status, 503, text);
    await sleep(20);
  }
}

suite('collect, its state on PostgreSQL and its views on Redis', () => {
  let broker: OwnBroker;
  let postgres: OwnPostgres;
  let redis: OwnRedis;
  let env: Readonly<Record<string, string>>;
  before(async () => {
    [broker, postgres, redis] = await Promise.all([ownBroker(), ownPostgres(), ownRedis()]);
    const { host, port } = broker.address;
    env = { KAFKA_BROKERS: `${host}:${port}`, DATABASE_URL: postgres.url, REDIS_URL: redis.url };
  });
  after(() => Promise.all([broker.dispose(), postgres.dispose(), redis.dispose()]));

  const rowsByKey = async (dataDir: string, like: string): Promise<readonly { id: string; n: number }[]> => {
    const sql = `SELECT data->>'id' AS id, count(*)::int AS n FROM events WHERE data->>'id' LIKE '${like}%' GROUP BY 1`;
    return rowsOf(dataDir, sql, env);
  };

  test('D1, D5: it starts without them; packages without a key are taken, those with one get 503, until they are there', async (t) => {
    const dataDir = await scratch(t);
    await redis.kill();
    await postgres.crash();
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    assert.equal((await collect(program.url, packageOf([collectEvent()]))).status, 200);
    const startedMs = performance.now();
    const refused = await collect(program.url, packageOf([collectEvent()]), { 'idempotency-key': 'early' });
    assert.equal(refused.status, 503, refused.text);
    assert.match(refused.text, /STATE_UNAVAILABLE/);
    assert.ok(Number(refused.headers['retry-after']) > 0);
    assert.ok(performance.now() - startedMs < 5_000);
    await Promise.all([redis.start(), postgres.start()]);
    await sendUntilTaken(() => [program.url], 'early-1');
    await caughtUp(dataDir, env, seconds);
    assert.deepEqual(await rowsByKey(dataDir, 'early'), [{ id: 'early-1', n: 1 }]);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('D3, D5: whatever Redis and PostgreSQL lose or are away for, each key lands once and is answered alike', async (t) => {
    const dataDir = await scratch(t);
    const program = await startProgram({ dataDir, env });
    t.after(() => program.kill('SIGKILL'));
    const answers = new Map<string, PackageAnswer>();
    const sendAll = async (name: string): Promise<void> => {
      const keys = Array.from({ length: 12 }, (_, i) => `loss-${name}-${i}`);
      for (const key of keys) {
        const answer = await sendUntilTaken(() => [program.url], key);
        assert.deepEqual(answer, answers.get(key) ?? answer);
        answers.set(key, answer);
      }
    };
    await sendAll('before');
    await redis.save();
    await sendAll('lost');
    const faults: readonly (() => Promise<unknown>)[] = [
      async () => {
        await redis.kill();
        await redis.goBack();
        await redis.start();
      },
      () => redis.command('FLUSHALL'),
      async () => {
        await redis.freeze();
        await sleep(3_000);
        await redis.thaw();
      },
      async () => {
        await postgres.crash();
        await sleep(3_000);
        await postgres.start();
      },
    ];
    for (const [index, fault] of faults.entries()) {
      const sending = sendAll(`during-${index}`);
      await fault();
      await sending;
      await Promise.all([sendAll('before'), sendAll('lost')]);
    }
    await caughtUp(dataDir, env, seconds);
    const rows = await rowsByKey(dataDir, 'loss');
    assert.deepEqual(
      rows.filter(({ n }) => n !== 1),
      [],
    );
    assert.equal(rows.length, answers.size);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('D3, D5: two nodes take the same keys, one of them is killed again and again: each key lands once', async (t) => {
    const dirs = [await scratch(t), await scratch(t)] as const;
    const [steady, first] = (await Promise.all(dirs.map((dataDir) => startProgram({ dataDir, env })))) as [
      Program,
      Program,
    ];
    let killed = first;
    t.after(() => Promise.all([steady, killed].map((program) => program.kill('SIGKILL'))));
    const answers = new Map<string, PackageAnswer[]>();
    const over = new AbortController();
    const producer = async (name: string): Promise<void> => {
      for (let i = 0; !over.signal.aborted; i++) {
        const key = `race-${name}-${i}`;
        const both = [() => [steady.url, killed.url], () => [killed.url, steady.url]];
        answers.set(key, await Promise.all(both.map((urls) => sendUntilTaken(urls, key))));
      }
    };
    const producing = Promise.all(['a', 'b', 'c', 'd'].map(producer));
    for (let kill = 0; kill < 4; kill++) {
      await sleep(700 + 300 * kill);
      await killed.kill('SIGKILL');
      killed = await startProgram({ dataDir: dirs[1], env });
    }
    over.abort();
    await producing;
    for (const [key, [one, other]] of answers) assert.deepEqual(one, other, key);
    await killed.kill('SIGTERM');
    await caughtUp(dirs[0], env, seconds);
    const rows = await rowsByKey(dirs[0], 'race');
    assert.deepEqual(
      rows.filter(({ n }) => n !== 1),
      [],
    );
    assert.equal(rows.length, answers.size);
    const objects = [...(await objectsOf(dirs[0])).values(), ...(await objectsOf(dirs[1])).values()];
    const ids = objects.flatMap((text) => [...text.matchAll(/"id":"(race-[^"]*)"/g)].map(([, id]) => id!));
    assert.deepEqual(ids.toSorted(), [...answers.keys()].toSorted());
    t.diagnostic(`${answers.size} keys`);
  });
});
