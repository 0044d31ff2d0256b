/** Nodes that share a pull, each with a data directory of its own, and the list that they pull, which grows. */
import assert from 'node:assert/strict';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { inspect } from 'node:util';
import { isFault } from '../../src/errors.ts';
import { type Pull, rest } from '../../src/pipeline/pulls.ts';
import { pullTogether } from '../../src/sources/rest/pull-together.ts';
import type { Run } from '../../src/sources/rest/run.ts';
import { readRuns } from '../../src/sources/rest/read-runs.ts';
import { RunStore } from '../../src/sources/rest/run-store.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { ObjectStore } from '../../src/stores/objects/object-store.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { type CallFault, FaultyCalls } from '../../src/testing/faulty-calls.ts';
import { faultyState, faultyStore } from '../../src/testing/faulty-parts.ts';
import { listApi, offsetPage, sendJson } from './list-api.ts';

interface Changed {
  readonly id: string;
  readonly version: number;
  readonly n: number;
}

/** At a call to the state or the object store, from 0. */
export interface NodeFault {
  readonly call: number;
  /** `freeze`: before the call it stands still for a minute. */
  readonly how: 'fail before' | 'fail after' | 'crash before' | 'crash after' | 'freeze';
  /** While it stands still. */
  readonly meanwhile?: () => Promise<unknown>;
}

export interface NodePull {
  readonly fault?: NodeFault | undefined;
  readonly dueMs?: number;
  /** Asked for in place of the usual one, with the same list. */
  readonly path?: string;
  /** Default: a minute after the one before. */
  readonly isAtOnce?: boolean;
}

/** Of a process that stands still once. */
class FreezingCalls extends FaultyCalls {
  #fault: NodeFault | undefined;

  constructor(fault: NodeFault | undefined) {
    const { call, how = 'freeze' } = fault ?? {};
    super(call === undefined || how === 'freeze' ? [] : [{ call, how } satisfies CallFault]);
    if (how === 'freeze') this.#fault = fault;
  }

  override async through<T>(name: string, work: () => Promise<T>): Promise<T> {
    const fault = this.#fault;
    if (fault && fault.call === this.names.length) {
      this.#fault = undefined;
      await fault.meanwhile?.();
    }
    return super.through(name, work);
  }
}

export interface PullNodes {
  readonly objects: ObjectStore;
  readonly state: StateStore;
  /** So many versions more, every fourth of which is refused. */
  add(count: number): void;
  /** `died`: it did not come to its end. */
  pull(node: number, options?: NodePull): Promise<Run | 'died' | { readonly failed: unknown }>;
  runs(node: number): readonly Run[];
  /**
   * Each version is there once, and what was seen only up to the last run. Where not incremental: each run is whole, the last one has all. A
   * run that is there is told as done.
   */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface PullNodesOptions {
  /** Default: true. */
  readonly isIncremental?: boolean;
  /** Default: in the directory. */
  readonly objects?: ObjectStore;
  /** Default: in the directory. Closed with the rest. */
  readonly state?: StateStore;
}

/** @param t its API ends with the test @param dir of its own */
export async function pullNodes(t: TestContext, dir: string, options: PullNodesOptions = {}): Promise<PullNodes> {
  const { isIncremental = true } = options;
  const list: Changed[] = [];
  const api = await listApi(t, (asked) => {
    const after = Number(asked.url.searchParams.get('after') ?? 0);
    sendJson(
      asked,
      offsetPage(
        asked.url,
        list.filter(({ n }) => n >= after),
      ),
    );
  });
  const pull = changesPull(api.url, isIncremental);
  const objects = options.objects ?? (await openDirectoryStore({ dir: join(dir, 'objects') }));
  const state = options.state ?? (await openLmdbStore({ dir: join(dir, 'state'), minFreeBytes: 0 }));
  let minutes = 0;
  const used = new Set<number>();
  const runsOf = (node: number): readonly Run[] => readRuns(join(dirOf(node), 'changes.db'), 100);
  const dirOf = (node: number): string => join(dir, `node-${node}`);
  return {
    objects,
    state,
    add: (count) => {
      for (let i = 0; i < count; i++) {
        const n = list.length;
        // Several have the same value, and items come again with another one.
        list.push({ id: `item_${n % 7}_${n % 2}`, version: n % 4 === 3 ? -1 : n, n: Math.floor(n / 2) });
      }
    },
    pull: async (node, { fault, isAtOnce = false, dueMs, path } = {}) => {
      used.add(node);
      await mkdir(dirOf(node), { recursive: true });
      const calls = new FreezingCalls(fault);
      if (!isAtOnce) minutes += 1;
      const nowMs = Date.UTC(2026, 10, 22) + minutes * 60_000;
      const store = new RunStore(join(dirOf(node), 'changes.db'));
      const done = pullTogether({
        dueMs,
        pull: path === undefined ? pull : { ...pull, path },
        store,
        dir: dirOf(node),
        objects: faultyStore(objects, calls),
        state: faultyState(state, calls),
        variables: () => undefined,
        observer: { asked: nothing, retried: nothing, turned: nothing, startedOver: nothing },
        signal: new AbortController().signal,
        random: () => 0,
        now: () => nowMs,
      });
      try {
        const failing = done.catch((failed: unknown) => ({ failed }));
        return await Promise.race([failing, calls.crashed.then(() => 'died' as const)]);
      } finally {
        store.close();
      }
    },
    runs: runsOf,
    check: async () => {
      await (isIncremental ? checkOnce(objects, list) : checkWhole(objects, list));
      await checkTold(objects, [...used].flatMap(runsOf));
    },
    close: async () => {
      await state.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function changesPull(base: string, isIncremental: boolean): Pull {
  return rest.pull<Changed>({
    name: 'changes',
    base,
    path: 'changes',
    items: 'items',
    count: 'count',
    total: 'total',
    pages: rest.offset({ limit: 4, hasMore: 'has_more', nextOffset: 'next_offset' }),
    key: ({ id, n }) => (isIncremental ? id : `${id} ${n}`),
    schema: { type: 'object', properties: { version: { type: 'integer', minimum: 0 } } },
    ...(isIncremental && { incremental: { field: 'n', type: 'integer', parameter: 'after', overlap: 3 } }),
  });
}

async function checkOnce(objects: ObjectStore, list: readonly Changed[]): Promise<void> {
  const [kept, refused] = await Promise.all([linesOf(objects, 'raw/'), linesOf(objects, 'dead-letter/')]);
  const events = refused.map((line) => (JSON.parse(line) as { event: string }).event);
  const expected = (isKept: boolean): readonly string[] =>
    list.filter(({ version }) => version >= 0 === isKept).map((one) => JSON.stringify(one));
  assert.deepEqual(kept.toSorted(), expected(true).toSorted());
  assert.deepEqual(events.toSorted(), expected(false).toSorted());
  const seen = await Array.fromAsync(objects.list('pulls/'));
  assert.ok(new Set(seen.map((key) => key.split('/')[2])).size <= 1, seen.join(' '));
}

async function checkWhole(objects: ObjectStore, list: readonly Changed[]): Promise<void> {
  const lines = list.filter(({ version }) => version >= 0).map((one) => `${JSON.stringify(one)}\n`);
  const keys = await Array.fromAsync(objects.list('raw/'));
  for (const [index, key] of keys.entries()) {
    const text = String(await objects.get(key));
    const whole = lines.slice(0, index === keys.length - 1 ? undefined : text.split('\n').length - 1);
    assert.equal(text, whole.join(''), key);
  }
}

async function checkTold(objects: ObjectStore, runs: readonly Run[]): Promise<void> {
  for await (const { key, bytes } of objects.entries('raw/'))
    if (bytes > 0) assert.equal(runs.find(({ object }) => object === key)?.state, 'done', key);
}

/**
 * A node stands still before each of its calls to the stores, while another one pulls, and goes on.
 * @param nodesOf new ones for each call @returns what became of its pulls
 */
export async function frozenAtEachCall(nodesOf: (call: number) => Promise<PullNodes>): Promise<ReadonlySet<string>> {
  const ends = new Set<string>();
  let isPast = false;
  for (let call = 0; !isPast; call++) {
    const nodes = await nodesOf(call);
    nodes.add(9);
    assertDone(await nodes.pull(0));
    nodes.add(9);
    isPast = true;
    const meanwhile = async (): Promise<void> => {
      isPast = false;
      nodes.add(3);
      assertDone(await nodes.pull(1));
    };
    const pulled = await nodes.pull(0, { fault: { call, how: 'freeze', meanwhile } });
    ends.add(isRun(pulled) ? 'done' : codeOf(pulled));
    assertDone(await nodes.pull(0));
    await nodes.check();
    await nodes.close();
  }
  return ends;
}

export type Pulled = Awaited<ReturnType<PullNodes['pull']>>;

/** Of a pull that nothing was to go wrong with. */
export function assertDone(pulled: Pulled): asserts pulled is Run {
  assert.ok(isRun(pulled), inspect(pulled));
}

function isRun(pulled: Pulled): pulled is Run {
  return typeof pulled === 'object' && 'id' in pulled;
}

/** Of a pull that failed. */
export function codeOf(pulled: Pulled): string {
  const isFailed = typeof pulled === 'object' && 'failed' in pulled;
  return isFailed && isFault(pulled.failed) ? pulled.failed.code : inspect(pulled);
}

export async function linesOf(objects: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys = await Array.fromAsync(objects.list(prefix));
  const texts = await Promise.all(keys.map(async (key) => String(await objects.get(key))));
  return texts.flatMap((text) => text.split('\n').filter((line) => line !== ''));
}

const nothing = (): void => undefined;
