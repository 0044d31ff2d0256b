/**
 * Lists that change while they are pulled, APIs that fail, and processes that end, in any order: a run has each item that is in the list all
 * the time exactly once, or it is not there at all.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../../src/errors.ts';
import { type Pages, type Pull, rest } from '../../../src/pipeline/pulls.ts';
import { type Asked, type Listed, listApi, offsetPage, sendJson, sendStatus } from '../../support/list-api.ts';
import { livesIn } from '../../support/pull-lives.ts';
import { scratch } from '../../support/program.ts';

/** Before a request is answered. */
type Happening =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'insert' | 'delete' | 'change'; readonly at: number }
  | { readonly kind: 'renew' }
  /** The process ends when the answer is on its way. */
  | { readonly kind: 'crash' }
  | { readonly kind: 'busy' | 'cut' | 'wrong count' | 'no JSON' | 'page before' };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'nothing' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('insert', 'delete', 'change'), at: fc.nat(60) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('renew', 'crash', 'crash', 'busy', 'cut', 'wrong count', 'no JSON', 'page before'),
    }),
  },
);

interface Case {
  readonly length: number;
  readonly limit: number;
  readonly happenings: readonly Happening[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  length: fc.nat(40),
  limit: fc.integer({ min: 2, max: 12 }),
  happenings: fc.array(happening, { maxLength: 25, size: 'max' }),
});

/** What each of the kinds meets at least: a process that ends between pages, and a list that is shorter than it was. */
const leastCase: Case = {
  length: 40,
  limit: 5,
  happenings: [{ kind: 'nothing' }, { kind: 'crash' }, { kind: 'nothing' }, { kind: 'delete', at: 0 }],
};

/** A list in the order of its ids, with a memory of all that was ever in it. */
class ChangingList {
  list: Listed[];
  readonly ever = new Set<string>();
  readonly always: Set<string>;
  #next: number;

  constructor(length: number) {
    this.list = Array.from({ length }, (_, i) => ({ id: idOf(i * 100), version: 0 }));
    this.always = new Set(this.list.map(({ id }) => id));
    this.#next = 1;
    this.#note();
  }

  happen(what: Happening): void {
    const { list } = this;
    if (what.kind === 'insert') {
      const id = idOf(what.at * 100 + this.#next++);
      list.splice(list.findLastIndex((one) => one.id < id) + 1, 0, { id, version: 0 });
    }
    if (what.kind === 'delete' && list.length > 0) {
      const [gone] = list.splice(what.at % list.length, 1);
      this.always.delete(gone!.id);
    }
    if (what.kind === 'change' && list.length > 0) this.#change(what.at % list.length);
    if (what.kind === 'renew') for (const index of list.keys()) this.#change(index);
    this.#note();
  }

  #change(index: number): void {
    const { id } = this.list[index]!;
    this.list[index] = { id, version: this.#next++ };
  }

  #note(): void {
    for (const one of this.list) this.ever.add(JSON.stringify(one));
  }
}

function idOf(number: number): string {
  return `item_${String(number).padStart(8, '0')}`;
}

type Answer = (
  asked: Asked,
  list: readonly Listed[],
  limit: number,
) => readonly [body: object, link?: string | undefined];

/** Behind the item of this id: a place that does not move. */
function behind(list: readonly Listed[], cursor: string | null, limit: number) {
  const left = list.filter(({ id }) => cursor === null || id > cursor);
  const items = left.slice(0, limit);
  return { items, next: left.length > limit ? items.at(-1)!.id : null };
}

interface Kind {
  readonly pages: (limit: number) => Pages;
  readonly total?: 'total';
  readonly answer: Answer;
  /** A page that comes for another one, and is empty, cannot be told from the end. */
  readonly cannotTell?: 'page before';
}

const kinds: Readonly<Record<string, Kind>> = {
  'offset, with totals': {
    pages: (limit) => rest.offset({ limit, hasMore: 'has_more', nextOffset: 'next_offset' }),
    total: 'total',
    answer: ({ url }, list) => [offsetPage(url, list)],
  },
  'offset, several pages at once': {
    pages: (limit) => rest.offset({ limit, parallel: 3, hasMore: 'has_more', nextOffset: 'next_offset' }),
    total: 'total',
    answer: ({ url }, list) => [offsetPage(url, list)],
  },
  'offset, of which nothing is said': {
    pages: (limit) => rest.offset({ limit }),
    cannotTell: 'page before',
    answer: ({ url }, list) => [{ items: offsetPage(url, list).items, count: offsetPage(url, list).count }],
  },
  cursor: {
    pages: () => rest.cursor({ next: 'next' }),
    answer: ({ url }, list, limit) => {
      const page = behind(list, url.searchParams.get('cursor'), limit);
      return [{ ...page, count: page.items.length }];
    },
  },
  link: {
    pages: () => rest.link(),
    answer: ({ url }, list, limit) => {
      const { items, next } = behind(list, url.searchParams.get('after'), limit);
      return [{ items, count: items.length }, next === null ? undefined : `</list?after=${next}>; rel="next"`];
    },
  },
};

suite('lists that change while they are pulled', { timeout: 300_000 }, () => {
  for (const [name, { pages, total, answer, cannotTell }] of Object.entries(kinds))
    test(`D3, D5: what is there all the time is in the run once, or there is no run (${name})`, async (t) => {
      const outcomes = { done: 0, 'started over': 0, resumed: 0, unstable: 0 };
      let current: ((asked: Asked) => void) | undefined;
      const api = await listApi(t, (asked) => current?.(asked));
      const root = await scratch(t);
      let caseIndex = 0;
      const property = fc.asyncProperty(cases, async ({ length, limit, happenings }) => {
        const lives = await livesIn(join(root, String(caseIndex++)));
        const changing = new ChangingList(length);
        const queue = happenings.filter(({ kind }) => kind !== cannotTell);
        let crash = new AbortController();
        let before: ReturnType<Answer> | undefined;
        current = (asked) => {
          const what = queue.shift() ?? { kind: 'nothing' };
          changing.happen(what);
          if (what.kind === 'busy') return sendStatus(asked, 503);
          if (what.kind === 'no JSON') return void asked.response.end('<html>');
          if (what.kind === 'cut')
            return void asked.response
              .writeHead(200, { 'content-length': 9 })
              .write('{', () => asked.response.destroy());
          const right = answer(asked, changing.list, limit);
          const [body, link] = what.kind === 'page before' ? (before ?? right) : right;
          before = right;
          const count = 'count' in body ? Number(body.count) : 0;
          sendJson(
            asked,
            what.kind === 'wrong count' ? { ...body, count: count + 1 } : body,
            link === undefined ? {} : { link },
          );
          if (what.kind === 'crash') crash.abort(new Error('crash'));
        };
        const pull: Pull = rest.pull<Listed>({
          name: 'list',
          base: api.url,
          path: 'list',
          items: 'items',
          count: 'count',
          ...(total && { total }),
          pages: pages(limit),
          key: ({ id }) => id,
        });
        for (;;) {
          crash = new AbortController();
          try {
            const run = await lives.pull(pull, { signal: crash.signal });
            outcomes.done += 1;
            if (run.restarts > 0) outcomes['started over'] += 1;
            const items = await lives.items(run.object);
            const ids = items.map(({ id }) => String(id));
            assert.equal(new Set(ids).size, ids.length, 'each once');
            assert.equal(ids.length, run.kept);
            for (const id of changing.always) assert.ok(ids.includes(id), `${id} is there`);
            for (const one of items) assert.ok(changing.ever.has(JSON.stringify(one)), 'nothing that never was');
            assert.deepEqual(await lives.keys(), [run.object]);
            return;
          } catch (error) {
            if (!crash.signal.aborted && !isFault(error, 'PULL_UNSTABLE')) throw error;
            assert.deepEqual(await lives.keys(), [], 'nothing of a run that is not done');
            if (crash.signal.aborted) outcomes.resumed += 1;
            else {
              outcomes.unstable += 1;
              return;
            }
          }
        }
      });
      await fc.assert(property, { numRuns: 30, examples: [[leastCase]] });
      t.diagnostic(JSON.stringify(outcomes));
      assert.ok(outcomes.done > 5, 'lists are pulled');
      assert.ok(outcomes.resumed > 0, 'what can happen did');
      if (name.startsWith('offset')) assert.ok(outcomes['started over'] > 0, 'what can happen did');
    });
});
