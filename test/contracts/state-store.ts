/** What every state store promises: `src/stores/state/state-store.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { StateChange, StatePut, StateStore } from '../../src/stores/state/state-store.ts';

export interface OpenState {
  readonly store: StateStore;
  /** The same state, opened once more; closed by the suite. */
  reopen(): Promise<StateStore>;
  /** Another one that writes the same state, as another process would have it; closed by the suite. */
  another(): Promise<StateStore>;
  /** The server is killed and starts again; none where that is tested apart. */
  crash?(): Promise<void>;
  /** Lets time pass for expiry. */
  advance(milliseconds: number): Promise<void>;
  nowMs(): number;
  close(): Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text);
const put = (key: string, value: string, expiresAtMs?: number): StatePut => ({
  key,
  value: bytes(value),
  ...(expiresAtMs !== undefined && { expiresAtMs }),
});

export function stateStoreContract(driver: string, open: () => Promise<OpenState>): void {
  describe(`state store: ${driver}`, () => {
    let opened: OpenState;
    let store: StateStore;
    before(async () => {
      opened = await open();
      store = opened.store;
    });
    after(() => opened.close());

    const entries = async (prefix: string): Promise<readonly (readonly [string, string])[]> =>
      (await Array.fromAsync(store.entries(prefix))).map(([key, value]) => [key, value.toString()] as const);

    it('gives back what was put, replaced or deleted', async () => {
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.commit({ put: [put('a', '1'), put('b', '')] }), true);
      assert.deepEqual(await store.get('a'), bytes('1'));
      assert.deepEqual(await store.get('b'), Buffer.alloc(0));
      assert.equal(await store.commit({ put: [put('a', '2')], delete: ['b', 'never there'] }), true);
      assert.deepEqual(await store.get('a'), bytes('2'));
      assert.equal(await store.get('b'), undefined);
      assert.equal(await store.commit({}), true);
    });

    it('applies a change only where every expectation holds, else nothing of it (D3)', async () => {
      await store.commit({ put: [put('cas/1', 'x'), put('cas/2', 'y')] });
      const change = { put: [put('cas/1', 'changed'), put('cas/3', 'new')], delete: ['cas/2'] };
      const unchanged = await entries('cas/');
      const wrong: StateChange['expect'][] = [
        [{ key: 'cas/1', value: bytes('X') }],
        [{ key: 'cas/1', value: undefined }],
        [{ key: 'cas/none', value: bytes('') }],
        [
          { key: 'cas/1', value: bytes('x') },
          { key: 'cas/2', value: bytes('yy') },
        ],
      ];
      for (const expect of wrong) {
        assert.equal(await store.commit({ ...change, expect: expect ?? [] }), false);
        assert.deepEqual(await entries('cas/'), unchanged);
      }
      const right = [
        { key: 'cas/1', value: bytes('x') },
        { key: 'cas/none', value: undefined },
      ];
      assert.equal(await store.commit({ ...change, expect: right }), true);
      assert.deepEqual(await entries('cas/'), [
        ['cas/1', 'changed'],
        ['cas/3', 'new'],
      ]);
    });

    it('lets one of many commits at the same time win an expectation, and shows its change to the others (D3)', async () => {
      const attempts = Array.from({ length: 50 }, (_, i) =>
        store.commit({ expect: [{ key: 'race', value: undefined }], put: [put('race', `${i}`), put(`race/${i}`, '')] }),
      );
      const winners = (await Promise.all(attempts)).flatMap((won, i) => (won ? [i] : []));
      assert.equal(winners.length, 1);
      assert.deepEqual(await entries('race'), [
        ['race', `${winners[0]}`],
        [`race/${winners[0]}`, ''],
      ]);
    });

    it('reads expired keys as absent, in every way of reading', async () => {
      const nowMs = opened.nowMs();
      await store.commit({
        put: [put('exp/1', 'a', nowMs + 1_000), put('exp/2', 'b', nowMs + 9_000), put('exp/3', 'c')],
      });
      assert.equal((await entries('exp/')).length, 3);
      await opened.advance(1_100);
      assert.equal(await store.get('exp/1'), undefined);
      assert.deepEqual(await entries('exp/'), [
        ['exp/2', 'b'],
        ['exp/3', 'c'],
      ]);
      const expect = [{ key: 'exp/1', value: undefined }];
      assert.equal(await store.commit({ expect, put: [put('exp/1', 'again')] }), true);
    });

    it('goes by the expiry of the last put', async () => {
      const nowMs = opened.nowMs();
      await store.commit({
        put: [put('last/later', 'a', nowMs + 500), put('last/kept', 'b', nowMs + 500), put('last/sooner', 'c')],
      });
      await store.commit({
        put: [put('last/later', 'a', nowMs + 60_000), put('last/kept', 'b'), put('last/sooner', 'c', nowMs + 500)],
      });
      await opened.advance(1_000);
      for (let i = 0; i < 5; i++) await store.commit({ put: [put('last-sweep', `${i}`)] });
      assert.deepEqual(await entries('last/'), [
        ['last/kept', 'b'],
        ['last/later', 'a'],
      ]);
    });

    it('lists the keys of a prefix, all of them, in the order of their UTF-8 bytes', async () => {
      const names = ['', '/', 'a', 'a/b', 'aa', 'z', '\u{7f}', 'é', '\uffee', '\u{1f600}', '\0', '"', '__proto__'];
      const many = Array.from({ length: 1_500 }, (_, i) => `n${i}`);
      await store.commit({ put: [...names, ...many].map((name) => put(`list:${name}`, name)) });
      await store.commit({ put: [put('list', 'before'), put('list;', 'after')] });
      const expected = [...names, ...many].map((name) => `list:${name}`);
      expected.sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
      const actual = await entries('list:');
      assert.deepEqual(
        actual.map(([key]) => key),
        expected,
      );
      assert.ok(actual.every(([key, value]) => key === `list:${value}`));
      assert.deepEqual(await entries('list:none of them'), []);
    });

    it('keeps keys of 300 bytes and values of megabytes apart from the buffers they came in', async () => {
      const keys = ['k'.repeat(300), 'ü'.repeat(150), `${'k'.repeat(299)}K`];
      const value = Buffer.alloc(3_000_000, 'value');
      const committed = store.commit({ put: keys.map((key) => ({ key, value })) });
      value.fill(0);
      await committed;
      for (const key of keys) assert.deepEqual(await store.get(key), Buffer.alloc(3_000_000, 'value'));
      const first = await store.get('k'.repeat(300));
      await store.get('ü'.repeat(150));
      first?.fill(0);
      assert.deepEqual(await store.get('k'.repeat(300)), Buffer.alloc(3_000_000, 'value'));
    });

    it('shows to others what it has committed (D1)', async () => {
      await store.commit({ put: [put('durable', 'yes')] });
      const other = await opened.reopen();
      assert.deepEqual(await other.get('durable'), bytes('yes'));
      await other.close();
    });

    it('reads many keys in one go, in the order of the keys', async () => {
      await store.commit({ put: [put('all/1', 'a'), put('all/2', ''), put('all/é', 'c')] });
      const keys = ['all/é', 'all/none', 'all/2', 'all/1', 'all/é'];
      assert.deepEqual(await store.getAll(keys), [bytes('c'), undefined, Buffer.alloc(0), bytes('a'), bytes('c')]);
      assert.deepEqual(await store.getAll([]), []);
    });

    it('counts without a loss where two count at the same time, and never shows half of a change (D3)', async () => {
      const other = await opened.another();
      const keys = ['count/1', 'count/2'];
      await store.commit({ put: keys.map((key) => put(key, '0')) });
      const countUp = async (by: StateStore): Promise<void> => {
        for (let done = 0; done < 50;) {
          const [value, same] = await by.getAll(keys);
          assert.deepEqual(value, same);
          const next = `${Number(value!.toString()) + 1}`;
          const expect = [{ key: keys[0]!, value: value! }];
          if (await by.commit({ expect, put: keys.map((key) => put(key, next)) })) done += 1;
        }
      };
      await Promise.all([countUp(store), countUp(other)]);
      await other.close();
      assert.deepEqual(await entries('count/'), [
        ['count/1', '100'],
        ['count/2', '100'],
      ]);
    });

    it('has after a crash what it has committed, and works again by itself (D1)', async (t) => {
      if (!opened.crash) return t.skip('killed in a test of its own');
      await store.commit({ put: [put('crash', 'kept')] });
      await opened.crash();
      assert.deepEqual(await whenThere(() => store.get('crash')), bytes('kept'));
      assert.equal(await store.commit({ put: [put('crash', 'again')] }), true);
      assert.deepEqual(await entries('crash'), [['crash', 'again']]);
    });

    it('does what a map would do', async () => {
      let round = 0;
      const key = fc.constantFrom('', 'a', 'ab', 'b', 'b/c', '\u{10ffff}');
      const value = fc.string({ maxLength: 5 });
      const change = fc.record({
        expect: fc.array(fc.record({ key, value: fc.option(value, { nil: undefined }) }), { maxLength: 2 }),
        put: fc.uniqueArray(fc.record({ key, value }), { selector: (one) => one.key }),
        delete: fc.array(key, { maxLength: 2 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
          const prefix = `map${round++}:`;
          const model = new Map<string, string>();
          const committed = changes.map((one) => {
            const removed = one.delete.filter((name) => !one.put.some((added) => added.key === name));
            const holds = one.expect.every((expected) => model.get(expected.key) === expected.value);
            if (holds) for (const name of removed) model.delete(name);
            if (holds) for (const added of one.put) model.set(added.key, added.value);
            const actual = store.commit({
              expect: one.expect.map((expected) => ({
                key: prefix + expected.key,
                value: expected.value === undefined ? undefined : bytes(expected.value),
              })),
              put: one.put.map((added) => put(prefix + added.key, added.value)),
              delete: removed.map((name) => prefix + name),
            });
            return { holds, actual };
          });
          for (const { holds, actual } of committed) assert.equal(await actual, holds);
          const expected = [...model].map(([name, text]) => [prefix + name, bytes(text).toString()] as const);
          assert.deepEqual(
            await entries(prefix),
            expected.toSorted(([a], [b]) => Buffer.compare(bytes(a), bytes(b))),
          );
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** A client may learn only by its next request that its connection is gone. */
async function whenThere<T>(ask: () => Promise<T>): Promise<T> {
  for (const untilMs = performance.now() + 10_000; ;) {
    try {
      return await ask();
    } catch (error) {
      if (!isFault(error, 'STATE_UNAVAILABLE') || performance.now() > untilMs) throw error;
    }
  }
}
