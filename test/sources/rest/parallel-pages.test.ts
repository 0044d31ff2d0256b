/** Several pages of a list at once: no more than may be, in order whichever comes first, and checked as those that come one by one. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { isFault } from '../../../src/errors.ts';
import { type Pages, type Pull, type PullDefinition, rest } from '../../../src/pipeline/pulls.ts';
import { type Asked, type Listed, listApi, offsetPage, sendJson, sendStatus } from '../../support/list-api.ts';
import { pullLives } from '../../support/pull-lives.ts';

function listOf(length: number, version = 0): Listed[] {
  return Array.from({ length }, (_, i) => ({ id: `item_${i}`, version }));
}

const byOffset = (parallel: number): Pages =>
  rest.offset({ limit: 4, parallel, hasMore: 'has_more', nextOffset: 'next_offset' });

function pullOf(base: string, pages: Pages, more: Partial<PullDefinition<Listed>> = {}): Pull {
  const said = { items: 'items', count: 'count', total: 'total' };
  return rest.pull<Listed>({ name: 'list', base, path: 'list', ...said, pages, key: ({ id }) => id, ...more });
}

function offsetOf({ url }: Pick<Asked, 'url'>): number {
  return Number(url.searchParams.get('offset'));
}

/** Holds all requests but the first one until so many wait, and answers the last of them first. */
async function backwardsApi(t: TestContext, list: readonly Listed[], together: number) {
  let waiting: Asked[] = [];
  let most = 0;
  const api = await listApi(t, (asked) => {
    if (asked.index === 0) return sendJson(asked, offsetPage(asked.url, list));
    waiting.push(asked);
    most = Math.max(most, waiting.length);
    const left = list.length - offsetOf(asked);
    if (waiting.length < together && left > 4) return;
    for (const one of waiting.toReversed()) sendJson(one, offsetPage(one.url, list));
    waiting = [];
  });
  return { ...api, most: () => most };
}

suite('several pages at once', { timeout: 120_000 }, () => {
  test('are asked for together, come in any order, and are kept in their own', async (t) => {
    const api = await backwardsApi(t, listOf(31), 3);
    const lives = await pullLives(t);
    const turned: number[] = [];
    const observer = { turned: ({ items }: { items: number }) => turned.push(items) };
    const run = await lives.pull(pullOf(api.url, byOffset(3)), { observer });
    assert.deepEqual(await lives.items(run.object), listOf(31));
    assert.equal(api.most(), 3, 'as many as may be, and no more');
    assert.equal(api.requests.length, 10, 'each page once');
    assert.deepEqual(turned, [4, 7, 10, 13, 16, 19, 22, 25, 28, 31]);
  });

  test('by number, up to the last that the total tells of', async (t) => {
    const list = listOf(10);
    const api = await listApi(t, (asked) => {
      const page = Number(asked.url.searchParams.get('page'));
      sendJson(asked, { items: list.slice((page - 1) * 3, page * 3), total: list.length });
    });
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, rest.page({ size: 3, parallel: 8 }), { count: undefined as never }));
    assert.deepEqual(await lives.items(run.object), list);
    assert.equal(api.requests.length, 4);
    assert.deepEqual(
      new Set(api.requests.map(({ url }) => url.search.slice(0, 7))),
      new Set(['?page=1', '?page=2', '?page=3', '?page=4']),
    );
  });

  test('one that is tried again does not disturb the others', async (t) => {
    let failures = 0;
    const api = await listApi(t, (asked) => {
      if (offsetOf(asked) === 6 && failures++ < 3) sendStatus(asked, 503);
      else sendJson(asked, offsetPage(asked.url, listOf(20)));
    });
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, byOffset(4)));
    assert.deepEqual([run.restarts, run.kept], [0, 20]);
    const offsets = api.requests.map(offsetOf);
    for (const offset of [0, 3, 9, 12, 15]) assert.equal(offsets.filter((one) => one === offset).length, 1);
    assert.equal(offsets.filter((one) => one === 6).length, 4);
  });

  test('pages that are shorter than the first one are asked for again where they stand', async (t) => {
    const list = listOf(20);
    const api = await listApi(t, (asked) => {
      const offset = offsetOf(asked);
      const most = offset >= 6 ? 3 : 4; // it gives fewer than were asked for, from some page on
      const items = list.slice(offset, offset + most);
      const has_more = offset + most < list.length;
      sendJson(asked, { items, count: items.length, total: 20, has_more, next_offset: has_more ? offset + most : -1 });
    });
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, byOffset(4)));
    assert.deepEqual(await lives.items(run.object), list);
    assert.equal(run.restarts, 0);
  });

  test('D3, D5: a list that changes under them starts the run over, and what was on its way is dropped', async (t) => {
    const before = listOf(40);
    const after = [...before.slice(1), { id: 'new', version: 0 }]; // one less and one more: the total stays
    const early = new Set([0, 3, 6, 9]);
    const api = await listApi(t, (asked) =>
      sendJson(asked, offsetPage(asked.url, early.delete(offsetOf(asked)) ? before : after)),
    );
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, byOffset(4)));
    assert.equal(run.restarts, 1);
    assert.deepEqual(await lives.items(run.object), after);
  });

  test('D3: pages behind one that does not come are dropped by an interruption, and the run goes on behind the last whole one', async (t) => {
    const stopping = new AbortController();
    let isDown = true;
    const api = await listApi(t, (asked) => {
      const offset = offsetOf(asked);
      if (isDown && offset === 6) return; // never
      sendJson(asked, offsetPage(asked.url, listOf(20)));
      if (isDown && offset === 12) stopping.abort(new Error('stopped'));
    });
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(pullOf(api.url, byOffset(4)), { signal: stopping.signal }), /stopped/);
    assert.deepEqual([lives.runs('list')[0]?.items, await lives.keys()], [7, []]);
    isDown = false;
    const asked = api.requests.length;
    const run = await lives.pull(pullOf(api.url, byOffset(2))); // how many at once does not change what it has
    assert.deepEqual([run.id, run.kept], [lives.runs('list')[0]?.id, 20]);
    assert.equal(offsetOf(api.requests[asked]!), 6);
    assert.deepEqual(await lives.items(run.object), listOf(20));
  });

  test('Retry-After holds for all', async (t) => {
    const held: Asked[] = [];
    let refusedMs = 0;
    const sentMs: number[] = [];
    const api = await listApi(t, (asked) => {
      if (asked.index === 0) return sendJson(asked, offsetPage(asked.url, listOf(40)));
      if (asked.index < 4) return void held.push(asked);
      if (asked.index === 4) return sendStatus(asked, 429, { 'retry-after': '1' });
      sentMs.push(performance.now());
      sendJson(asked, offsetPage(asked.url, listOf(40)));
    });
    const lives = await pullLives(t);
    const retried = (): void => {
      refusedMs = performance.now();
      for (const one of held) sendJson(one, offsetPage(one.url, listOf(40))); // so that others have their turn
    };
    await lives.pull(pullOf(api.url, byOffset(4)), { observer: { retried } });
    assert.equal(sentMs.length, 9);
    const waitedMs = sentMs[0]! - refusedMs;
    assert.ok(waitedMs > 990, `the next request was sent after ${waitedMs} ms`); // timers may be early
  });

  test(
    'a pause that is too long ends the run at once, whichever page was told of it',
    { timeout: 30_000 },
    async (t) => {
      let held: Asked | undefined;
      const api = await listApi(t, (asked) => {
        const offset = offsetOf(asked);
        if (offset === 0) sendJson(asked, offsetPage(asked.url, listOf(20)));
        else if (offset === 3) held = asked; // whose turn it is
        else sendStatus(asked, 503, { 'retry-after': '3600' });
      });
      const lives = await pullLives(t);
      let refused = 0;
      const asked = (status: number): void => {
        if (status === 503 && ++refused === 3 && held) sendStatus(held, 503);
      };
      await assert.rejects(
        lives.pull(pullOf(api.url, byOffset(4)), { observer: { asked } }),
        (error: unknown) => isFault(error, 'PULL_UNAVAILABLE') && /to be left alone for 3600 s/.test(error.message),
      );
    },
  );

  test('those that nobody needs any more are not tried again when the run is done', async (t) => {
    const list = listOf(20);
    const api = await listApi(t, (asked) => {
      const offset = offsetOf(asked);
      const most = offset === 0 ? 2 : 20;
      if (offset > 1) return; // never
      const items = list.slice(offset, offset + most);
      const has_more = offset === 0;
      sendJson(asked, { items, count: items.length, total: 20, has_more, next_offset: has_more ? 2 : -1 });
    });
    const lives = await pullLives(t);
    const retried: string[] = [];
    const run = await lives.pull(pullOf(api.url, byOffset(4)), { observer: { retried: (why) => retried.push(why) } });
    assert.equal(run.kept, 20);
    await new Promise(setImmediate);
    assert.deepEqual(retried, []);
  });

  test('the rate holds for all', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, offsetPage(asked.url, listOf(20))));
    const lives = await pullLives(t);
    const startedMs = performance.now();
    await lives.pull(pullOf(api.url, byOffset(4), { maxRequestsPerSecond: 20 }));
    const tookMs = performance.now() - startedMs;
    assert.equal(api.requests.length, 7);
    assert.ok(tookMs > 6 * 45, `7 requests in ${tookMs} ms`);
  });

  test('one token is asked for by all, and one that is refused is renewed once', async (t) => {
    let issued = 0;
    const login = await listApi(t, (asked) => sendJson(asked, { access_token: `token-${++issued}` }));
    const api = await listApi(t, (asked) => {
      const isRevoked = asked.request.headers.authorization === 'Bearer token-1' && asked.index > 0;
      if (isRevoked) setTimeout(() => sendStatus(asked, 401), asked.index * 5);
      else sendJson(asked, offsetPage(asked.url, listOf(40)));
    });
    const auth = rest.clientCredentials({
      tokenUrl: `${login.url}token`,
      clientId: rest.variable('ID'),
      clientSecret: rest.variable('SECRET'),
    });
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, byOffset(4), { auth }), { variables: { ID: 'a', SECRET: 'b' } });
    assert.deepEqual([run.kept, issued], [40, 2]);
  });

  test('are refused where nothing says which pages there are', () => {
    const pages = byOffset(2);
    assert.throws(
      () => rest.pull<Listed>({ name: 'list', base: 'http://x/', path: 'l', pages, key: ({ id }) => id }),
      (error: unknown) => isFault(error, 'PIPELINE_INVALID') && /parallel.*total/.test(error.message),
    );
  });
});
