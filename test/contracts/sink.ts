/** What every sink promises: `src/sinks/sink.ts`. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../src/errors.ts';
import type { Timestamp } from '../../src/event/time.ts';
import type { Json } from '../../src/event/verbatim.ts';
import type { TopicPartition } from '../../src/log/log.ts';
import { asReject } from '../../src/event/reject.ts';
import { uuidOf } from '../support/table-events.ts';
import type { Plan, RejectedEvent, Sink, SinkPartition, Staged } from '../../src/sinks/sink.ts';

export interface TestEvent {
  /** `<topic> <partition> <offset>`, so that each test finds its own again. */
  readonly id: string;
  readonly time: Timestamp;
  readonly data: Json;
  /** The sink's functions throw Reject('data.bad', ...) for it. */
  readonly bad?: boolean;
}

export interface SinkHarness {
  /** As another process would make it. */
  sink(): Sink<TestEvent>;
  /** The ids of what has landed of a partition, in order. */
  landed(at: TopicPartition): Promise<string[]>;
  /** Whether it knows a stale owner by itself; otherwise the processor's checkpoint keeps such owners out. */
  readonly fences: boolean;
  close(): Promise<void>;
}

const isStale = (error: unknown): boolean => isFault(error, 'CHECKPOINT_STALE');

let topics = 0;
export function newPartition(partition = 0): TopicPartition {
  return { topic: `topic-${topics++}`, partition };
}

export function eventAt(
  { topic, partition }: TopicPartition,
  offset: number,
  more: Partial<TestEvent> = {},
): TestEvent {
  const time = '2024-02-29T23:59:59.123456Z' as Timestamp;
  return { id: `${topic} ${partition} ${offset}`, time, data: `{"offset": ${offset}}` as Json, ...more };
}

export interface EventBatch<E> {
  readonly from: number;
  readonly to: number;
  readonly events: readonly { readonly offset: number; readonly event: E }[];
}

/** Offsets `from <= offset < to`, without those in `missing`. */
export function batchOf(
  at: TopicPartition,
  from: number,
  to: number,
  missing: readonly number[] = [],
): EventBatch<TestEvent> {
  const offsets = Array.from({ length: to - from }, (_, i) => from + i).filter((offset) => !missing.includes(offset));
  return { from, to, events: offsets.map((offset) => ({ offset, event: eventAt(at, offset) })) };
}

export function idsOf({ events }: EventBatch<TestEvent>): string[] {
  return events.map(({ event }) => event.id);
}

/** As the processor does it; `rejected` are those that the sink refused, whenever it did. */
export async function stage<E>(
  to: SinkPartition<E>,
  { from, to: end, events }: EventBatch<E>,
  plan?: Plan,
): Promise<Staged> {
  const batch = to.batch();
  const rejected: RejectedEvent[] = [];
  for (const { offset, event } of events) {
    try {
      batch.add(offset, event);
    } catch (error) {
      const { path, message } = asReject(error, 'take');
      rejected.push({ offset, path, message });
    }
  }
  for (const without = new Set<number>(); ;) {
    const staged = await batch.stage({ from, to: end, without }, plan);
    rejected.push(...staged.rejected);
    if (staged.rejected.length === 0) return { ...staged, rejected };
    await staged.abort();
    for (const { offset } of staged.rejected) without.add(offset);
  }
}

/** The events' old rows and lines go, also of those that are missing. */
function stageAgain(to: SinkPartition<TestEvent>, { from, to: end, events }: EventBatch<TestEvent>): Promise<Staged> {
  const batch = to.batch();
  for (const { offset, event } of events) batch.add(offset, event);
  const [{ event: first }] = events as [EventBatch<TestEvent>['events'][0]];
  const place = first.id.slice(0, first.id.lastIndexOf(' '));
  const replaces = Array.from({ length: end - from }, (_, i) => uuidOf(`${place} ${from + i}`));
  return batch.stage({ from, to: end, without: new Set(), replaces }, undefined);
}

export async function land<E>(to: SinkPartition<E>, batch: EventBatch<E>, plan?: Plan): Promise<Plan> {
  const staged = await stage(to, batch, plan);
  assert.deepEqual(staged.rejected, []);
  await staged.commit();
  return staged.plan;
}

export function sinkContract(driver: string, open: () => Promise<SinkHarness>): void {
  describe(`sink: ${driver}`, () => {
    let harness: SinkHarness;
    before(async () => {
      harness = await open();
    });
    after(() => harness.close());

    it('D4: lands events in the order of the log, and shows nothing before the commit', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      assert.equal(partition.next, 0);
      const staged = await stage(partition, batchOf(at, 0, 500, [3, 77]));
      assert.deepEqual(await harness.landed(at), []);
      await staged.commit();
      await land(partition, batchOf(at, 500, 600));
      await partition.close();
      assert.deepEqual(await harness.landed(at), [
        ...idsOf(batchOf(at, 0, 500, [3, 77])),
        ...idsOf(batchOf(at, 500, 600)),
      ]);
    });

    it('D3: leaves nothing of an aborted batch, and takes it again', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      const staged = await stage(partition, batchOf(at, 0, 10));
      await staged.abort();
      await staged.abort();
      assert.deepEqual(await harness.landed(at), []);
      await land(partition, batchOf(at, 0, 10), staged.plan);
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 10)));
    });

    it('D3: a batch that landed and is staged again leaves what once leaves', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      const plan = await land(partition, batchOf(at, 0, 10));
      const again = await stage(partition, batchOf(at, 0, 10), plan);
      await again.commit();
      await again.abort();
      await land(partition, batchOf(at, 10, 20));
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 20)));
    });

    it('D3: after a crash behind the commit, another process finds the batch landed or lands it to the same end', async () => {
      const at = newPartition();
      const plan = await land(await harness.sink().open(at), batchOf(at, 0, 10));
      const restarted = await harness.sink().open(at);
      assert.ok(restarted.next === 0 || restarted.next === 10);
      if (restarted.next < 10) await land(restarted, batchOf(at, 0, 10), plan);
      await land(restarted, batchOf(at, 10, 20));
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 20)));
    });

    it('D2: rejects what it refuses with path and message, and the rest lands without it', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      const batch = batchOf(at, 0, 6);
      const events = batch.events.map((each) =>
        each.offset % 3 === 1 ? { ...each, event: { ...each.event, bad: true } } : each,
      );
      const staged = await stage(partition, { ...batch, events });
      const message = 'something good';
      assert.deepEqual(
        staged.rejected,
        [1, 4].map((offset) => ({ offset, path: 'data.bad', message })),
      );
      assert.deepEqual(await harness.landed(at), []);
      await staged.commit();
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 6, [1, 4])));
    });

    it('D2: takes out again what another sink refused, also the first of a batch', async () => {
      const at = newPartition();
      const batch = (await harness.sink().open(at)).batch();
      for (const offset of [0, 1, 2, 3]) {
        batch.add(offset, eventAt(at, offset));
        if (offset % 2 === 0) batch.removeLast();
      }
      await (await batch.stage({ from: 0, to: 4, without: new Set([3]) }, undefined)).commit();
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 1, 2)));
    });

    it('takes one batch after the other in the same memory, and a large one between small ones', async () => {
      const at = newPartition();
      const batch = (await harness.sink().open(at)).batch();
      let from = 0;
      for (const size of [3, 2_000, 1]) {
        batch.clear();
        for (let offset = from; offset < from + size; offset++) batch.add(offset, eventAt(at, offset));
        await (await batch.stage({ from, to: from + size, without: new Set() }, undefined)).commit();
        from += size;
      }
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, from)));
    });

    it('passes over a batch in which no event is left', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      await land(partition, { from: 0, to: 5, events: [] });
      await land(partition, batchOf(at, 5, 7));
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 5, 7)));
    });

    it('keeps partitions apart, which work at the same time', async () => {
      const { topic } = newPartition();
      const sink = harness.sink();
      const all = [0, 1, 2].map((partition) => ({ topic, partition }));
      await Promise.all(
        all.map(async (at) => {
          const partition = await sink.open(at);
          for (let from = 0; from < 30; from += 10) await land(partition, batchOf(at, from, from + 10));
        }),
      );
      for (const at of all) assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 30)));
    });

    it('D9: what lands again takes the place of what has landed of its range, and of nothing else', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      for (const [from, to] of [[0, 5], [5, 8], [8, 20], [20, 30]] as const) await land(partition, batchOf(at, from, to)); // prettier-ignore
      for (let time = 0; time < 2; time++) {
        const again = await harness.sink().open(at);
        const staged = await stageAgain(again, batchOf(at, 5, 20, [6, 9]));
        assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 30, time === 0 ? [] : [6, 9])));
        await staged.commit();
        await again.close();
        assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 30, [6, 9])));
      }
      await land(partition, batchOf(at, 30, 32));
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 32, [6, 9])));
    });

    it('D9: what is aborted of that leaves all as it was', async () => {
      const at = newPartition();
      const partition = await harness.sink().open(at);
      await land(partition, batchOf(at, 0, 10));
      await (await stageAgain(partition, batchOf(at, 0, 10, [2]))).abort();
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 10)));
    });

    it('D3: a stale owner fails with CHECKPOINT_STALE and changes nothing', async (t) => {
      if (!harness.fences) {
        t.skip('the processor fences');
        return;
      }
      const at = newPartition();
      const stale = await harness.sink().open(at);
      const owner = await harness.sink().open(at);
      await land(stale, batchOf(at, 0, 5));
      await assert.rejects(stage(owner, batchOf(at, 0, 5)), isStale);
      const reopened = await harness.sink().open(at);
      assert.equal(reopened.next, 5);
      await land(reopened, batchOf(at, 5, 10));
      await assert.rejects(stage(stale, batchOf(at, 5, 8)), isStale);
      await assert.rejects(stage(stale, batchOf(at, 5, 10)), isStale);
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 10)));
    });

    it('D3: an owner that stands still in the middle of a batch keeps nobody from going on', async (t) => {
      if (!harness.fences) {
        t.skip('the processor fences');
        return;
      }
      const at = newPartition();
      const staged = await stage(await harness.sink().open(at), batchOf(at, 0, 7));
      const owner = await harness.sink().open(at);
      assert.equal(owner.next, 0);
      await land(owner, batchOf(at, 0, 5));
      await assert.rejects(staged.commit());
      await staged.abort();
      await land(owner, batchOf(at, 5, 10));
      assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, 10)));
    });

    it('D3: owners that race over a partition land each event exactly once', async (t) => {
      if (!harness.fences) {
        t.skip('the processor fences');
        return;
      }
      const batchSizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 3 });
      await fc.assert(
        fc.asyncProperty(batchSizes, async (sizes) => {
          const at = newPartition();
          const end = 60;
          await Promise.all(sizes.map((size) => own(harness.sink(), at, size, end)));
          assert.deepEqual(await harness.landed(at), idsOf(batchOf(at, 0, end)));
        }),
        { numRuns: 8 },
      );
    });
  });
}

/** Like a processor that never learns that others own the partition too. */
async function own(sink: Sink<TestEvent>, at: TopicPartition, size: number, end: number): Promise<void> {
  for (let partition = await sink.open(at); partition.next < end; partition = await sink.open(at)) {
    try {
      for (let from = partition.next; from < end; from += size)
        await land(partition, batchOf(at, from, Math.min(from + size, end)));
      return;
    } catch (error) {
      if (!isStale(error)) throw error;
    }
  }
}
