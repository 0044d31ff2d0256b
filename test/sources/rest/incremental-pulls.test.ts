/** Incremental pulls: each version once, and none left out, whatever clocks tell and whatever becomes of a run. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Incremental, type Pull, rest } from '../../../src/pipeline/pulls.ts';
import { type Listed, listApi, sendJson } from '../../support/list-api.ts';
import { pullLives } from '../../support/pull-lives.ts';

function changesPull(base: string, incremental: Incremental): Pull {
  return rest.pull<Listed>({ name: 'changes', base, path: 'changes', key: ({ id }) => id, incremental });
}

suite('an incremental pull', () => {
  test('D5: asks from the greatest value on, less the overlap, and has no version twice', async (t) => {
    const list = [
      { id: 'a', changed: timeAt(10) },
      { id: 'b', changed: timeAt(100) },
      { id: 'c', changed: timeAt(100) },
    ];
    const api = await listApi(t, (asked) => {
      const since = asked.url.searchParams.get('since') ?? '';
      sendJson(
        asked,
        list.filter(({ changed }) => changed >= since),
      );
    });
    const pull = rest.pull<Listed>({
      name: 'changes',
      base: api.url,
      path: 'changes?kind=all',
      key: ({ id }) => id,
      incremental: { field: 'changed', type: 'time', parameter: 'since', overlap: 30_000 },
    });
    const lives = await pullLives(t);
    assert.equal((await lives.pull(pull)).kept, 3);
    const nothing = await lives.pull(pull);
    assert.deepEqual([nothing.kept, nothing.known, nothing.object], [0, 2, null]);
    assert.equal(api.requests[1]?.url.search, `?kind=all&since=${encodeURIComponent(timeAt(70))}`);
    list.push({ id: 'late', changed: timeAt(80) }, { id: 'b', changed: timeAt(120) });
    const third = await lives.pull(pull);
    assert.deepEqual(await lives.items(third.object), list.slice(3));
    assert.deepEqual([third.kept, third.known], [2, 2]);
    const all = await lives.items();
    assert.equal(new Set(all.map((one) => JSON.stringify(one))).size, 5);
    assert.equal(all.length, 5);
    assert.equal(api.requests[2]?.url.searchParams.get('since'), timeAt(70));
  });

  test('D2: another address, field or parameter begins anew: the greatest value of before is none of its own', async (t) => {
    const list = [{ id: 'a', n: 1, changed: timeAt(10) }];
    const api = await listApi(t, (asked) => sendJson(asked, list));
    const other = await listApi(t, (asked) => sendJson(asked, list));
    const byTime = { field: 'changed', type: 'time', parameter: 'since', overlap: 30_000 } as const;
    const byNumber = { field: 'n', type: 'integer', parameter: 'since', overlap: 0 } as const;
    const lives = await pullLives(t);
    const asked = async (from: typeof api, incremental: Incremental) => {
      const { kept } = await lives.pull(changesPull(from.url, incremental));
      return [from.requests.at(-1)?.url.searchParams.get('since'), kept];
    };
    assert.deepEqual(await asked(api, byTime), [null, 1]);
    assert.deepEqual(await asked(api, byTime), [timeAt(-20), 0]);
    assert.deepEqual(await asked(other, byTime), [null, 1]);
    assert.deepEqual(await asked(other, byNumber), [null, 1]);
    assert.deepEqual(await asked(other, byNumber), ['1', 0]);
    assert.deepEqual(await asked(other, byTime), [null, 1], 'others were asked since');
  });

  test('D5: times within the millisecond that is asked from come again, and are known', async (t) => {
    const list = ['123100', '123456'].map((micros) => ({ id: micros, changed: `2026-01-01T00:00:00.${micros}Z` }));
    const api = await listApi(t, (asked) => {
      const sinceMs = Date.parse(asked.url.searchParams.get('since') ?? timeAt(0));
      sendJson(
        asked,
        list.filter(({ changed }) => Date.parse(changed) >= sinceMs),
      );
    });
    const pull = changesPull(api.url, { field: 'changed', type: 'time', parameter: 'since', overlap: 0 });
    const lives = await pullLives(t);
    assert.equal((await lives.pull(pull)).kept, 2);
    const again = await lives.pull(pull);
    assert.deepEqual([again.kept, again.known], [0, 2]);
  });

  test('D2: an item with a time that is yet to come keeps none of before it from being asked for', async (t) => {
    const list = [
      { id: 'wrong', changed: '2999-01-01T00:00:00.000Z' },
      { id: 'a', changed: timeAt(10) },
    ];
    const api = await listApi(t, (asked) => {
      const since = asked.url.searchParams.get('since') ?? '';
      sendJson(
        asked,
        list.filter(({ changed }) => changed >= since),
      );
    });
    const pull = changesPull(api.url, { field: 'changed', type: 'time', parameter: 'since', overlap: 30_000 });
    const lives = await pullLives(t);
    const at = (seconds: number) => ({ now: () => Date.parse(timeAt(seconds)) });
    assert.equal((await lives.pull(pull, at(100))).kept, 2);
    list.push({ id: 'b', changed: timeAt(110) });
    const next = await lives.pull(pull, at(200));
    assert.deepEqual([next.kept, next.known], [1, 1]);
    assert.equal(api.requests.at(-1)?.url.searchParams.get('since'), timeAt(70));
  });

  test('D5: which run was the last does not depend on clocks', async (t) => {
    const list = [{ id: 'a', n: 1 }];
    const api = await listApi(t, (asked) => sendJson(asked, list));
    const other = await listApi(t, (asked) => sendJson(asked, list));
    const incremental = { field: 'n', type: 'integer', parameter: 'after', overlap: 0 } as const;
    const lives = await pullLives(t);
    const keptAt = async ({ url }: typeof api, minute: number): Promise<number> =>
      (await lives.pull(changesPull(url, incremental), { now: () => minute * 60_000 })).kept;
    assert.equal(await keptAt(api, 60), 1);
    assert.equal(await keptAt(other, 1), 1, 'the clock was set back by an hour');
    assert.equal(await keptAt(other, 2), 0);
  });

  test('D5: what was put, and not noted, does not come again where its run is not gone on with', async (t) => {
    const list = [1, 2, 3].map((n) => ({ id: `item_${n}`, n }));
    const api = await listApi(t, (asked) => sendJson(asked, list));
    const pull = changesPull(api.url, { field: 'n', type: 'integer', parameter: 'after', overlap: 9 });
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(pull, { now: () => 0, fails: 'after' }), /the put failed/);
    const nextDay = await lives.pull(pull, { now: () => 25 * 3_600_000 });
    assert.deepEqual([nextDay.kept, nextDay.known], [0, 3]);
    assert.deepEqual(await lives.items(), list);
    assert.deepEqual(
      lives.runs('changes').map(({ state, kept }) => [state, kept]),
      [
        ['done', 0],
        ['done', 3],
      ],
    );
  });

  test('D2, D5: what was refused by a run that is given up is not kept twice', async (t) => {
    const list = [
      { id: 'a', n: 1, version: 1 },
      { id: 'b', n: 2, version: -1 },
    ];
    const api = await listApi(t, (asked) => sendJson(asked, list));
    const incremental = { field: 'n', type: 'integer', parameter: 'after', overlap: 9 } as const;
    const schema = { properties: { version: { minimum: 0 } } };
    const pull = { ...changesPull(api.url, incremental), schema };
    const lives = await pullLives(t);
    await assert.rejects(lives.pull(pull, { now: () => 0, fails: 'before' }), /the put failed/);
    const nextDay = await lives.pull(pull, { now: () => 25 * 3_600_000 });
    assert.deepEqual([nextDay.kept, nextDay.refused], [1, 1]);
    assert.deepEqual(await lives.keys(), [nextDay.deadLetters, nextDay.object]);
  });

  test('D5: a field of integers, without an overlap: what has the greatest one comes again, and is known', async (t) => {
    const list = [{ id: 'a', n: 1 }];
    const api = await listApi(t, (asked) => sendJson(asked, list));
    const pull = rest.pull<Listed>({
      name: 'changes',
      base: api.url,
      path: 'changes',
      key: ({ id }) => id,
      incremental: { field: 'n', type: 'integer', parameter: 'after', overlap: 0 },
    });
    const lives = await pullLives(t);
    await lives.pull(pull);
    list.push({ id: 'a', n: 2 }, { id: 'b', n: 2 });
    await lives.pull(pull);
    assert.equal(api.requests.at(-1)?.url.searchParams.get('after'), '1');
    assert.deepEqual((await lives.items()).toSorted(byText), list.toSorted(byText));
  });
});

function timeAt(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
