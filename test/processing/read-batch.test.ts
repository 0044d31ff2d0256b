import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import type { Page } from '../../src/log/log.ts';
import { readBatch, readRange } from '../../src/processing/read-batch.ts';
import { scratch } from '../support/program.ts';

const at = { topic: 'events', partition: 0 };
const limits = { maxBytes: 1024 * 1024, flushIntervalMs: 3_600_000 };
const takenMs = 1_000_000;

const all = { from: 0, to: Infinity };

async function offsetsOf(pages: AsyncIterable<Page>): Promise<number[]> {
  return (await Array.fromAsync(pages)).flatMap(({ records }) => records.map(({ offset }) => offset));
}

/** Each test would take an hour if the interval began with the read. */
async function logOfOneRecord(dir: string) {
  const log = await openSegmentLog({ dir, now: () => takenMs });
  await log.ensureTopics([{ name: at.topic, partitions: 1 }]);
  const batch = log.batch();
  batch.add({ topic: at.topic, key: null, value: Buffer.from('event'), headers: [] });
  await log.append(batch);
  return log;
}

test('an event that has waited in the log for the interval is not held back any longer', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const { signal } = new AbortController();
  const pages = readBatch(log, at, all, limits, signal, () => takenMs + limits.flushIntervalMs);
  assert.deepEqual(await offsetsOf(pages), [0]);
});

test('of the interval only what is left is waited for, and what came meanwhile is in the batch', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const { signal } = new AbortController();
  const reading = offsetsOf(readBatch(log, at, all, limits, signal, () => takenMs + limits.flushIntervalMs - 200));
  const batch = log.batch();
  batch.add({ topic: at.topic, key: null, value: Buffer.from('another'), headers: [] });
  await log.append(batch);
  assert.deepEqual(await reading, [0, 1]);
});

test('a batch of as many events as it waits for goes at once, with all that is there; one of fewer waits for them', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const { signal } = new AbortController();
  const append = async (count: number): Promise<void> => {
    const batch = log.batch();
    for (let more = 0; more < count; more++)
      batch.add({ topic: at.topic, key: null, value: Buffer.from('another'), headers: [] });
    await log.append(batch);
  };
  const reading = offsetsOf(readBatch(log, at, all, { ...limits, flushEvents: 3 }, signal, () => takenMs));
  await append(1);
  await append(1);
  assert.deepEqual(await reading, [0, 1, 2], 'in an hour, were it not for the third');
  await append(4);
  const backlog = readBatch(log, at, all, { ...limits, flushEvents: 3 }, signal, () => takenMs);
  assert.deepEqual(await offsetsOf(backlog), [0, 1, 2, 3, 4, 5, 6]);
});

test('of a batch that waits for events no more than the interval is waited', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const { signal } = new AbortController();
  const late = () => takenMs + limits.flushIntervalMs - 50;
  assert.deepEqual(await offsetsOf(readBatch(log, at, all, { ...limits, flushEvents: 3 }, signal, late)), [0]);
});

test('D8: who drains does not wait for the interval', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const draining = new AbortController();
  const reading = offsetsOf(readBatch(log, at, all, limits, draining.signal, () => takenMs));
  draining.abort();
  assert.ok((await reading).length <= 1);
});

test('a batch ends where it is full, or where it has to end, however many pages it takes', async (t) => {
  const log = await openSegmentLog({ dir: await scratch(t) });
  t.after(() => log.close());
  await log.ensureTopics([{ name: at.topic, partitions: 1 }]);
  const batch = log.batch();
  for (let i = 0; i < 100; i++) batch.add({ topic: at.topic, key: null, value: Buffer.alloc(10_000), headers: [] });
  await log.append(batch);
  const { signal } = new AbortController();
  const full = await offsetsOf(readBatch(log, at, all, { ...limits, maxBytes: 500_000 }, signal));
  assert.ok(full.length >= 50 && full.length <= 51, `${full.length} records of 10,000 bytes in 500,000`);
  assert.deepEqual(
    await offsetsOf(readBatch(log, at, { from: 7, to: 60 }, limits, signal)),
    Array.from({ length: 53 }, (_, i) => 7 + i),
  );
  assert.deepEqual(
    await offsetsOf(readRange(log, at, { from: 7, to: 60 })),
    Array.from({ length: 53 }, (_, i) => 7 + i),
  );
});
