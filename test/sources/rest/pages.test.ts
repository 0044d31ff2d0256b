/** Ways from page to page, and where credentials go on them. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isFault } from '../../../src/errors.ts';
import { type PullDefinition, rest } from '../../../src/pipeline/pulls.ts';
import { nextLink } from '../../../src/sources/rest/link-header.ts';
import { type Listed, listApi, sendJson } from '../../support/list-api.ts';
import { pullLives } from '../../support/pull-lives.ts';

const list: readonly Listed[] = Array.from({ length: 7 }, (_, i) => ({ id: `item_${i}`, version: 0 }));
const key = ({ id }: Listed): string => id;

function pullOf(base: string, more: Partial<PullDefinition<Listed>>) {
  return rest.pull<Listed>({ name: 'list', base, path: 'list', key, ...more });
}

suite('pages', () => {
  test('by number, with a total', async (t) => {
    const api = await listApi(t, (asked) => {
      const [page, size] = ['p', 'size'].map((name) => Number(asked.url.searchParams.get(name)));
      sendJson(asked, { data: list.slice((page! - 1) * size!, page! * size!), meta: { total: list.length } });
    });
    const lives = await pullLives(t);
    const pages = rest.page({ size: 3, pageParameter: 'p', sizeParameter: 'size' });
    const run = await lives.pull(pullOf(api.url, { items: 'data', total: 'meta.total', pages }));
    assert.deepEqual(await lives.items(run.object), list);
    assert.equal(api.requests.length, 3);
  });

  test('by number, of an API that says nothing: up to the first empty one', async (t) => {
    const api = await listApi(t, (asked) => {
      const page = Number(asked.url.searchParams.get('page'));
      sendJson(asked, list.slice(page * 3, page * 3 + 3)); // fewer than were asked for
    });
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, { pages: rest.page({ size: 100, first: 0 }) }));
    assert.deepEqual(await lives.items(run.object), list);
    assert.equal(api.requests.length, 4);
  });

  test('by cursor', async (t) => {
    const api = await listApi(t, (asked) => {
      const from = Number(asked.url.searchParams.get('after') ?? 0);
      sendJson(asked, { items: list.slice(from, from + 3), next: from + 3 < list.length ? from + 3 : null });
    });
    const lives = await pullLives(t);
    const pages = rest.cursor({ next: 'next', parameter: 'after', parameters: { limit: '3' } });
    const run = await lives.pull(pullOf(api.url, { items: 'items', pages }));
    assert.deepEqual(await lives.items(run.object), list);
    assert.deepEqual(
      api.requests.map(({ url }) => url.search),
      ['?limit=3', '?limit=3&after=3', '?limit=3&after=6'],
    );
  });

  test('D5: by cursor, an item that comes again takes the place of the one before', async (t) => {
    const pages = [
      {
        items: [
          { id: 'a', version: 1 },
          { id: 'b', version: 1 },
        ],
        next: 'x',
      },
      {
        items: [
          { id: 'a', version: 2 },
          { id: 'c', version: 1 },
        ],
      },
    ];
    const api = await listApi(t, (asked) => sendJson(asked, pages[asked.index]));
    const lives = await pullLives(t);
    const run = await lives.pull(pullOf(api.url, { items: 'items', pages: rest.cursor({ next: 'next' }) }));
    assert.deepEqual(
      (await lives.items(run.object)).map(({ id, version }) => `${String(id)}${String(version)}`),
      ['a2', 'b1', 'c1'],
    );
    assert.deepEqual([run.items, run.kept, run.known], [4, 3, 1]);
  });

  test('by cursor, pages that come again in a circle fail the run', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, { items: list, next: `x${asked.index}` }));
    const lives = await pullLives(t);
    const pull = pullOf(api.url, { items: 'items', pages: rest.cursor({ next: 'next' }) });
    await assert.rejects(lives.pull(pull), (error: unknown) => isFault(error, 'PULL_UNSTABLE'));
    assert.deepEqual(await lives.keys(), []);
  });

  test('by cursor, pages without an item that lead to others for ever are refused', { timeout: 60_000 }, async (t) => {
    const api = await listApi(t, (asked) => {
      const items = asked.index === 500 ? list : [];
      sendJson(asked, { items, next: `x${asked.index}` });
    });
    const lives = await pullLives(t);
    const stopping = new AbortController();
    const asked = (): void => {
      if (api.requests.length > 2_000) stopping.abort(new Error('it goes on for ever'));
    };
    const pull = pullOf(api.url, { items: 'items', pages: rest.cursor({ next: 'next' }) });
    await assert.rejects(
      lives.pull(pull, { signal: stopping.signal, observer: { asked } }),
      (error: unknown) => isFault(error, 'PULL_REFUSED') && /1000 pages without an item/.test(error.message),
    );
    assert.ok(api.requests.length > 1_500, 'those before some items do not count');
  });

  test('counts and offsets that are anything at all, and keys without end, are told in a few words', async (t) => {
    const long = 'x'.repeat(100_000);
    const nonsense = [{ toString: null, valueOf: 1 }, ['a', [{ toString: 0 }]], long, null, -1];
    const api = await listApi(t, (asked) => {
      const [what, index] = asked.url.pathname.slice(1).split('/');
      const wrong = nonsense[Number(index)];
      if (what === 'keys') return sendJson(asked, { items: [{ id: long }, { id: long }] });
      const [count, next_offset] = what === 'counts' ? [wrong, 1] : [1, wrong];
      sendJson(asked, { items: list.slice(0, 1), count, next_offset, has_more: true });
    });
    const lives = await pullLives(t);
    const pages = rest.offset({ limit: 2, hasMore: 'has_more', nextOffset: 'next_offset' });
    const told = async (name: string, more: Partial<PullDefinition<Listed>>, words: RegExp): Promise<void> => {
      const pull = pullOf(api.url, { name, items: 'items', attempts: 1, ...more });
      await assert.rejects(lives.pull(pull), (error: unknown) => isFault(error));
      const reason = lives.runs(name)[0]?.reason ?? '';
      assert.match(reason, words);
      assert.ok(reason.length < 500, `${reason.length} characters`);
    };
    for (const index of nonsense.keys()) {
      await told(`counts-${index}`, { path: `counts/${index}`, count: 'count' }, /as the count of its items/);
      await told(`offsets-${index}`, { path: `offsets/${index}`, pages }, /as the next offset/);
    }
    await told('keys', { path: 'keys' }, /came twice/);
  });

  test('by link; to another origin without credentials', async (t) => {
    const elsewhere = await listApi(t, (asked) => sendJson(asked, list.slice(5)));
    const api = await listApi(t, (asked) => {
      const isFirst = asked.index === 0;
      const next = isFirst ? '<?from=3>; title="a, b"; rel="last next"' : `<${elsewhere.url}rest>; rel=next`;
      sendJson(asked, isFirst ? list.slice(0, 3) : list.slice(3, 5), { link: `<x>; rel="prev", ${next}` });
    });
    const lives = await pullLives(t);
    const pull = pullOf(api.url, { pages: rest.link({ size: '3' }), auth: rest.bearer(rest.variable('TOKEN')) });
    const run = await lives.pull(pull, { variables: { TOKEN: 'secret' } });
    assert.deepEqual(await lives.items(run.object), list);
    assert.deepEqual(
      api.requests.map(({ url, authorization }) => [url.pathname + url.search, authorization]),
      [
        ['/list?size=3', 'Bearer secret'],
        ['/list?from=3', 'Bearer secret'],
      ],
    );
    assert.deepEqual(
      elsewhere.requests.map(({ authorization }) => authorization),
      [undefined],
    );
  });

  test('links of every form', () => {
    const from = new URL('http://api.example/v1/list?page=2');
    const next = 'http://api.example/v1/list?page=3';
    for (const header of [
      '<?page=3>; rel=next',
      '</v1/list?page=3>;rel="next"',
      '<http://other.example/>; rel="prev", <list?page=3>; title="x; rel=prev, y"; REL="next"',
      ['<a>; rel=first', '<?page=3>; rel=next'],
    ])
      assert.equal(nextLink(header, from), next, String(header));
    for (const header of [undefined, '', '<a>; rel="nextish"', '<a>; title="rel=next"', 'a; rel=next'])
      assert.equal(nextLink(header, from), undefined, String(header));
    assert.throws(() => nextLink('<javascript:x>; rel=next', from), /is no URL/);
  });
});
