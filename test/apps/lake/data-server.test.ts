/** The data server has the ways of the real API, and the faults that are asked for. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { suite, test, type TestContext } from 'node:test';
import { DataServer, type DataServerOptions } from '../../../apps/lake/data-server/data-server.ts';
import { pushEvents } from '../../../apps/lake/data-server/push-events.ts';

async function started(t: TestContext, options: DataServerOptions = {}): Promise<DataServer> {
  const server = await DataServer.start({ counts: { users: 450, content: 20 }, ...options });
  t.after(() => server.close());
  return server;
}

async function get({ url }: DataServer, path: string): Promise<Record<string, unknown> & { readonly status: number }> {
  const response = await fetch(new URL(path, url));
  return { ...((await response.json()) as object), status: response.status };
}

suite('the data server', () => {
  test('pages of users, at most 200; the last one leads to -1', async (t) => {
    const server = await started(t);
    const { users, ...first } = await get(server, 'users?offset=0&limit=500');
    const about = { limit: 200, total_users: 450, status: 200 };
    assert.deepEqual(first, { ...about, count: 200, has_more: true, next_offset: 200, offset: 0 });
    assert.equal((users as object[]).length, 200);
    const { users: last, ...rest } = await get(server, 'users?offset=400&limit=200');
    assert.deepEqual(rest, { ...about, count: 50, has_more: false, next_offset: -1, offset: 400 });
    assert.deepEqual(Object.keys((last as object[])[49]!), ['user_id', 'age', 'status', 'country', 'created_at']);
    assert.equal((last as { user_id: string }[])[49]?.user_id, 'user_450');
  });

  test('its quirks: an offset outside is refused, a limit of 0 promises more for ever', async (t) => {
    const server = await started(t);
    assert.equal((await get(server, 'users?offset=450&limit=10')).status, 400);
    assert.equal((await get(server, 'users?offset=-1')).status, 400);
    const { has_more, next_offset, users } = await get(server, 'users?offset=0&limit=0');
    assert.deepEqual([has_more, next_offset, users], [true, 0, []]);
  });

  test('content all at once, events as many as are asked for, at most 200, and nothing else', async (t) => {
    const server = await started(t);
    const { content, ...about } = await get(server, 'content');
    assert.deepEqual(about, { count: 20, total_content: 20, status: 200 });
    assert.equal((content as object[]).length, 20);
    assert.equal(((await get(server, 'events?count=7'))['events'] as object[]).length, 7);
    assert.equal(((await get(server, 'events?count=900'))['events'] as object[]).length, 200);
    assert.equal((await get(server, 'sessions')).status, 404);
  });

  test('the same seed gives the same data, and a restart others under the same keys', async (t) => {
    const [one, same, other] = [await started(t, { seed: 7 }), await started(t, { seed: 7 }), await started(t)];
    assert.deepEqual(one.data.users, same.data.users);
    assert.notDeepEqual(one.data.users, other.data.users);
    const response = await fetch(new URL('/renew', one.url), { method: 'POST' });
    assert.equal(response.status, 200);
    assert.notDeepEqual(one.data.users, same.data.users);
    assert.deepEqual(
      one.data.users.map(({ user_id }) => user_id),
      same.data.users.map(({ user_id }) => user_id),
    );
  });

  test('faults on request', async (t) => {
    const server = await started(t, { hangMs: 50 });
    const ask = async (faults: object): Promise<number> => {
      const response = await fetch(new URL('/faults', server.url), { method: 'PUT', body: JSON.stringify(faults) });
      await response.arrayBuffer();
      return response.status;
    };
    assert.equal(await ask({ busy: 1 }), 200);
    assert.equal((await get(server, 'content')).status, 503);
    assert.equal(await ask({ wrongCount: 1 }), 200);
    assert.equal((await get(server, 'content'))['count'], 21);
    assert.equal(await ask({ cut: 1 }), 200);
    await assert.rejects(get(server, 'content'));
    for (const slow of ['hang', 'trickle']) {
      assert.equal(await ask({ [slow]: 1 }), 200);
      const startedMs = performance.now();
      assert.equal((await get(server, 'content'))['count'], 20);
      assert.ok(performance.now() - startedMs >= 45, slow);
    }
    assert.equal(await ask({ repeat: 1 }), 200);
    await get(server, 'users?offset=0&limit=10');
    assert.equal((await get(server, 'users?offset=10&limit=10'))['offset'], 0);
    for (const wrong of [{ busy: 2 }, { other: 1 }]) assert.equal(await ask(wrong), 400);
  });

  test('pushes events to the webhook, some of them twice, side by side', async (t) => {
    const bodies: { events: { event_id: string }[] }[] = [];
    const stopping = new AbortController();
    const take = async (request: IncomingMessage): Promise<void> => {
      bodies.push(JSON.parse(await text(request)) as (typeof bodies)[number]);
      if (bodies.length === 100) stopping.abort();
    };
    const webhook = createServer((request, response) => {
      void take(request).finally(() => response.end('{"status":"success"}'));
    });
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    t.after(() => void webhook.close());
    const server = await started(t);
    const outcomes = new Set<string>();
    await pushEvents({
      to: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/webhook/events`,
      data: () => server.data,
      seed: 3,
      speed: 1e6,
      signal: stopping.signal,
      onPushed: (_events, outcome) => outcomes.add(outcome),
    });
    assert.deepEqual([...outcomes], ['200']);
    const ids = bodies.flatMap(({ events }) => events.map(({ event_id }) => event_id));
    const twice = ids.filter((id, index) => ids.indexOf(id) < index);
    assert.ok(twice.length > 0 && twice.length < ids.length / 10);
    for (const id of twice) assert.equal(ids.lastIndexOf(id) - ids.indexOf(id), 1);
  });
});
