/** Keyed state whose server is gone, stands still, or is not set up as it has to be: told within seconds, and good again by itself. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Fault, isFault } from '../../src/errors.ts';
import { openPostgresStore } from '../../src/stores/state/postgres-store.ts';
import { openRedisStore } from '../../src/stores/state/redis-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { freePort } from '../../src/services/free-ports.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type OwnRedis, ownRedis } from '../support/redis-server.ts';
import { untilAnswered } from '../support/until-answered.ts';

const mostMs = 4_000;
const change = { put: [{ key: 'k', value: Buffer.from('v') }] };

/** Everything that a store does rejects with STATE_UNAVAILABLE, in time. */
async function isOutOfReach(store: StateStore): Promise<void> {
  const startedMs = performance.now();
  const many = Array.from({ length: 20 }, () => store.commit(change));
  const all = [store.get('k'), store.getAll(['k', 'l']), Array.fromAsync(store.entries('')), ...many];
  for (const outcome of await Promise.allSettled(all)) {
    assert.ok(outcome.status === 'rejected' && isFault(outcome.reason, 'STATE_UNAVAILABLE'), JSON.stringify(outcome));
  }
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < mostMs, `it took ${tookMs} ms`);
}

async function worksAgain(store: StateStore): Promise<void> {
  const isThere = async (): Promise<true | undefined> => {
    const committed = await store
      .commit(change)
      .catch((error: unknown) => assert.ok(isFault(error, 'STATE_UNAVAILABLE')));
    return committed === true ? true : undefined;
  };
  await untilAnswered(isThere);
  assert.equal(String(await store.get('k')), 'v');
}

async function rejection(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(isFault(error), String(error));
  return error;
}

suite('keyed state out of reach', () => {
  let redis: OwnRedis;
  let postgres: OwnPostgres;
  before(async () => {
    redis = await ownRedis();
    postgres = await ownPostgres();
  });
  after(async () => {
    await redis.dispose();
    await postgres.dispose();
  });

  test('Redis killed, and standing still', async (t) => {
    const store = await openRedisStore({ url: redis.url });
    t.after(() => store.close());
    await store.commit(change);
    await redis.kill();
    await isOutOfReach(store);
    await redis.start();
    await worksAgain(store);
    await redis.freeze();
    await isOutOfReach(store);
    await redis.thaw();
    await worksAgain(store);
  });

  test('PostgreSQL crashed', async (t) => {
    const store = openPostgresStore({ url: postgres.url });
    t.after(() => store.close());
    await store.commit(change);
    await postgres.crash();
    await isOutOfReach(store);
    await postgres.start();
    await worksAgain(store);
  });

  test('servers that come up later', async (t) => {
    await redis.kill();
    await postgres.crash();
    const stores = [await openRedisStore({ url: redis.url }), openPostgresStore({ url: postgres.url })];
    t.after(() => Promise.all(stores.map((store) => store.close())));
    for (const store of stores) await isOutOfReach(store);
    await Promise.all([redis.start(), postgres.start()]);
    for (const store of stores) await worksAgain(store);
  });

  test('PostgreSQL that answers nothing, as behind a network that is cut off', async (t) => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => undefined);
    const port = await new Promise<number>((resolve) =>
      silent.listen(0, '127.0.0.1', () => resolve((silent.address() as { port: number }).port)),
    );
    t.after(() => silent.close());
    await isOutOfReach(openPostgresStore({ url: `postgres://u:secret@127.0.0.1:${port}/db` }));
  });

  test('no password is in a message', async (t) => {
    const secured = await ownRedis({ requirepass: 'right-secret' });
    t.after(() => secured.dispose());
    const { host } = new URL(secured.url);
    const good = await openRedisStore({ url: `redis://:right-secret@${host}` });
    assert.equal(await good.commit(change), true);
    await good.close();
    const port = await freePort();
    const urls = [`redis://u:wrong-secret@${host}`, secured.url, `redis://u:wrong-secret@127.0.0.1:${port}`];
    const stores = [openPostgresStore({ url: `postgres://u:wrong-secret@127.0.0.1:${port}/db` })];
    for (const url of urls) {
      const store = await openRedisStore({ url }).catch((error: unknown) => assert.ok(isFault(error)));
      if (store) stores.push(store);
    }
    for (const store of stores) {
      const fault = await rejection(store.get('k'));
      assert.equal(fault.code, 'STATE_UNAVAILABLE');
      assert.doesNotMatch(JSON.stringify([fault.message, fault.stack, fault.cause, Object.entries(fault)]), /secret/);
      await store.close();
    }
  });

  test('Redis that may evict is refused, at the start and later, and a database that it has not; one that is full says so', async (t) => {
    const server = await ownRedis({ 'maxmemory-policy': 'volatile-lru' });
    t.after(() => server.dispose());
    const fault = await rejection(openRedisStore({ url: server.url }));
    assert.match(fault.message, /maxmemory-policy volatile-lru.*noeviction/);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    const nowhere = await openRedisStore({ url: `${server.url}/99` });
    t.after(() => nowhere.close());
    for (const asked of [nowhere.get('k'), nowhere.commit(change)])
      assert.match((await rejection(asked)).message, /\/99: .*DB index is out of range/);
    const store = await openRedisStore({ url: server.url });
    t.after(() => store.close());
    assert.equal(await store.commit(change), true);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    assert.equal((await rejection(store.commit(change))).code, 'STATE_FULL');
    assert.equal(String(await store.get('k')), 'v');
  });

  test('Redis whose settings are wrong after a failover works again when they are mended, on the connection that there is', async (t) => {
    const server = await ownRedis();
    t.after(() => server.dispose());
    const store = await openRedisStore({ url: server.url });
    t.after(() => store.close());
    assert.equal(await store.commit(change), true);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru');
    await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
    const isRefused = async (): Promise<true | undefined> => {
      const refused = await store.get('k').then(
        () => false,
        (error: Error) => error.message.includes('it may evict keys'),
      );
      return refused || undefined;
    };
    await untilAnswered(isRefused);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await worksAgain(store);
  });
});
