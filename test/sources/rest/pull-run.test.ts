/** Runs of pulls against an API of the test's own: what they have, when they are there, and when they begin anew. */
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { isFault } from '../../../src/errors.ts';
import { Reject } from '../../../src/event/reject.ts';
import { type Pull, type PullDefinition, rest } from '../../../src/pipeline/pulls.ts';
import { pullRun } from '../../../src/sources/rest/pull-run.ts';
import { RunStore } from '../../../src/sources/rest/run-store.ts';
import { openDirectoryStore } from '../../../src/stores/objects/directory-store.ts';
import { type Listed, listApi, offsetPage, sendJson, sendStatus } from '../../support/list-api.ts';
import { scratch } from '../../support/program.ts';
import { pullLives } from '../../support/pull-lives.ts';

function listOf(length: number, version = 0): Listed[] {
  return Array.from({ length }, (_, i) => ({ id: `item_${i}`, version }));
}

function listPull(base: string, more: Partial<PullDefinition<Listed>> = {}): Pull {
  const pages = rest.offset({ limit: 4, hasMore: 'has_more', nextOffset: 'next_offset' });
  const said = { items: 'items', count: 'count', total: 'total' };
  return rest.pull<Listed>({ name: 'list', base, path: 'list', ...said, pages, key: ({ id }) => id, ...more });
}

const refused = (error: unknown): boolean => isFault(error, 'PULL_REFUSED');
const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

suite('a run', () => {
  test('has every item once, in order, under a key of its day', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, offsetPage(asked.url, listOf(10))));
    const lives = await pullLives(t);
    const run = await lives.pull(listPull(api.url), { now: () => Date.UTC(2026, 10, 21, 21, 45) });
    assert.match(run.object!, /^raw\/list\/date=2026-11-21\/20261121T214500000Z-[0-9a-f]{6}\.json$/);
    assert.deepEqual(await lives.items(run.object), listOf(10));
    assert.deepEqual([run.state, run.items, run.kept, run.pages, run.total], ['done', 10, 10, 3, 10]);
    const offsets = api.requests.map(({ url }) => url.searchParams.get('offset'));
    assert.deepEqual(offsets, ['0', '3', '6'], 'each page begins with the last item of the one before');
  });

  test('of an empty list is an empty object', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, offsetPage(asked.url, [])));
    const lives = await pullLives(t);
    assert.equal(await lives.text((await lives.pull(listPull(api.url))).object!), '');
  });

  test('keeps the bytes of an item as they came, on one line', async (t) => {
    const api = await listApi(t, ({ response }) => {
      response.end('{"data":{"list":[{"id":"a",\n "n":12345678901234567890.10},{"n":1.0,"id":"b"} ]}}');
    });
    const lives = await pullLives(t);
    const run = await lives.pull(
      rest.pull<Listed>({ name: 'list', base: api.url, path: 'list', items: 'data.list', key: ({ id }) => id }),
    );
    assert.equal(await lives.text(run.object!), '{"id":"a",  "n":12345678901234567890.10}\n{"n":1.0,"id":"b"}\n');
  });

  test('D2: what is refused is kept with the reason, what is left out is counted', async (t) => {
    const api = await listApi(t, (asked) =>
      sendJson(asked, [
        { id: 'a', version: 1 },
        { id: 'b', version: 'x' },
        { id: 'c', version: -1 },
        7,
        { version: 2 },
        { id: 'd', version: 0 },
      ]),
    );
    const lives = await pullLives(t);
    const run = await lives.pull(
      rest.pull<Listed>({
        name: 'list',
        base: api.url,
        path: 'list',
        key: ({ id }) => id,
        schema: { type: 'object', required: ['version'], properties: { version: { type: 'integer' } } },
        transform: ({ id, version }) => {
          if (version < 0) throw new Reject('version', 'expected 0 or more');
          return version === 0 ? undefined : { id, twice: 2 * version };
        },
      }),
    );
    assert.deepEqual(await lives.items(run.object), [{ id: 'a', twice: 2 }]);
    assert.deepEqual([run.items, run.kept, run.refused, run.leftOut], [6, 1, 4, 1]);
    const letters = (await lives.text(run.deadLetters!))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      letters.map(({ index, at, error: { path }, event }) => [index, at, path, event]),
      [
        [0, 'pull', 'version', '{"id":"b","version":"x"}'],
        [1, 'pull', 'version', '{"id":"c","version":-1}'],
        [2, 'pull', '', '7'],
        [3, 'pull', '', '{"version":2}'],
      ],
    );
  });

  test('D2: an item that nests too deep for whoever reads it is set aside, an answer of nothing but levels refused', async (t) => {
    const items = [998, 1_000, 100_000].map((levels) => `{"id":"i${levels}","version":0,"more":[${nested(levels)}]}`);
    const answers = [`[${items.join(',')}]`, nested(1_000_000)];
    const api = await listApi(t, ({ response, index }) => void response.end(answers[index]));
    const lives = await pullLives(t);
    const pull = rest.pull<Listed>({ name: 'deep', base: api.url, path: 'deep', key: ({ id }) => id });
    const run = await lives.pull(pull);
    assert.deepEqual([run.items, run.kept, run.refused], [3, 1, 2]);
    assert.equal(await lives.text(run.object!), `${items[0]}\n`);
    assert.match(await lives.text(run.deadLetters!), /expected at most 1000 levels of nesting, got more/);
    await assert.rejects(lives.pull(pull), (error: unknown) => refused(error) && /levels/.test(String(error)));
  });

  test('D1, D3: is not there before its last page, and goes on where it stopped', async (t) => {
    const stopping = new AbortController();
    let isDown = true;
    const api = await listApi(t, (asked) => {
      if (isDown && asked.index === 2) stopping.abort(new Error('stopped'));
      else sendJson(asked, offsetPage(asked.url, listOf(12)));
    });
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(listPull(api.url), { signal: stopping.signal }), /stopped/);
    assert.deepEqual(await lives.keys(), []);
    const [before] = lives.runs('list');
    assert.deepEqual([before?.state, before?.items, before?.reason], ['fetching', 7, 'interrupted']);
    isDown = false;
    const run = await lives.pull(listPull(api.url));
    assert.equal(run.id, before?.id);
    assert.deepEqual(await lives.items(run.object), listOf(12));
    assert.equal(api.requests[3]?.url.searchParams.get('offset'), '6');
  });

  test('is given up where the pull was changed, or a day has passed', async (t) => {
    const api = await listApi(t, (asked) => {
      const limit = Number(asked.url.searchParams.get('limit'));
      if (limit === 4 && asked.url.searchParams.get('offset') === '3') sendStatus(asked, 403);
      else sendJson(asked, offsetPage(asked.url, listOf(6)));
    });
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(listPull(api.url), { now: () => 0 }), refused);
    await assert.rejects(lives.pull(listPull(api.url), { now: () => 25 * 3_600_000 }), refused);
    const changed = listPull(api.url, { pages: rest.offset({ limit: 3 }) });
    await lives.pull(changed, { now: () => 26 * 3_600_000 });
    assert.deepEqual(
      lives.runs('list').map(({ state }) => state),
      ['done', 'failed', 'failed'],
    );
  });

  test('D3: a crash behind the object writes the same key with the same bytes', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, offsetPage(asked.url, listOf(9))));
    const root = await scratch(t);
    const objects = await openDirectoryStore({ dir: join(root, 'objects') });
    const dir = join(root, 'pulls');
    await mkdir(dir);
    const puts: string[] = [];
    const pull = async (isCrashing: boolean): Promise<void> => {
      const store = new RunStore(join(dir, 'list.db'));
      const putFile = async (key: string, path: string): Promise<void> => {
        await objects.putFile(key, path);
        puts.push(`${key} ${String(await objects.get(key))}`);
        if (isCrashing) throw new Error('crash');
      };
      const observer = { asked: () => {}, retried: () => {}, turned: () => {}, startedOver: () => {} };
      const { signal } = new AbortController();
      const about = { pull: listPull(api.url), store, objects: { ...objects, putFile }, dir, observer, signal };
      await pullRun({ ...about, variables: () => undefined }).finally(() => store.close());
    };
    await assert.rejects(pull(true), /crash/);
    await pull(false);
    assert.equal(puts.length, 2);
    assert.equal(puts[0], puts[1]);
    assert.equal(api.requests.length, 3, 'nothing is fetched again');
    assert.equal((await Array.fromAsync(objects.list(''))).length, 1);
  });
});

suite('a list that changes', () => {
  test('D5: one item less and one more between two pages leave totals as they are; the run starts over', async (t) => {
    const list = listOf(10);
    const api = await listApi(t, (asked) => {
      if (asked.index === 1) {
        list.shift();
        list.push({ id: 'item_10', version: 0 });
      }
      sendJson(asked, offsetPage(asked.url, list));
    });
    const lives = await pullLives(t);
    const run = await lives.pull(listPull(api.url));
    assert.equal(run.restarts, 1);
    assert.deepEqual(await lives.items(run.object), list);
  });

  test('a page that comes in the place of another one is asked for again: the list has not changed for it', async (t) => {
    const list = listOf(40);
    const api = await listApi(t, (asked) => {
      const isRepeated = asked.index % 3 === 2;
      const { url } = isRepeated ? api.requests[asked.index - 1]! : asked;
      sendJson(asked, offsetPage(url, list));
    });
    const lives = await pullLives(t);
    const run = await lives.pull(listPull(api.url));
    assert.deepEqual([run.restarts, await lives.items(run.object)], [0, list]);
  });

  test('data that is made anew, with the same keys and totals, is not mixed with what was before', async (t) => {
    const api = await listApi(t, (asked) =>
      sendJson(asked, offsetPage(asked.url, listOf(10, asked.index < 2 ? 0 : 1))),
    );
    const lives = await pullLives(t);
    assert.deepEqual(await lives.items((await lives.pull(listPull(api.url))).object), listOf(10, 1));
  });

  test('a list that is never the same fails its run, and leaves nothing', async (t) => {
    const api = await listApi(t, (asked) => sendJson(asked, offsetPage(asked.url, listOf(10, asked.index))));
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(listPull(api.url)), (error: unknown) => isFault(error, 'PULL_UNSTABLE'));
    assert.deepEqual(await lives.keys(), []);
    const [run] = lives.runs('list');
    assert.deepEqual([run?.state, run?.restarts], ['failed', 6]);
    assert.match(run?.reason ?? '', /the item before offset 4 is another one/);
  });

  test('an offset that does not move, and more that is promised for ever, is not believed', async (t) => {
    const api = await listApi(t, (asked) =>
      sendJson(asked, { count: 0, has_more: true, next_offset: 0, total: 10, items: [] }),
    );
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(listPull(api.url, { attempts: 3 })), (error: unknown) => {
      return isFault(error, 'PULL_UNAVAILABLE') && /promise|has none/.test(error.message);
    });
    assert.equal(api.requests.length, 3);
  });

  test('an offset outside of a list that became shorter starts over; a first page that is not there is refused', async (t) => {
    const api = await listApi(t, (asked) => {
      const list = asked.index === 0 ? listOf(10) : listOf(2);
      if (Number(asked.url.searchParams.get('offset')) >= list.length) sendStatus(asked, 400);
      else sendJson(asked, offsetPage(asked.url, list));
    });
    const lives = await pullLives(t);
    assert.deepEqual(await lives.items((await lives.pull(listPull(api.url))).object), listOf(2));
    const nowhere = await listApi(t, (asked) => sendStatus(asked, 404));
    await assert.rejects(lives.pull(listPull(nowhere.url)), (error: unknown) => isFault(error, 'PULL_REFUSED'));
  });
});
