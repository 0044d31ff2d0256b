import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { readBatch } from '../../src/processing/read-batch.ts';
import { scratch } from '../support/program.ts';

const at = { topic: 'events', partition: 0 };
const limits = { maxBytes: 1024 * 1024, flushIntervalMs: 3_600_000 };
const takenMs = 1_000_000;

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
  const records = await readBatch(log, at, 0, limits, signal, () => takenMs + limits.flushIntervalMs);
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [0],
  );
});

test('of the interval only what is left is waited for, and what came meanwhile is in the batch', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const { signal } = new AbortController();
  const reading = readBatch(log, at, 0, limits, signal, () => takenMs + limits.flushIntervalMs - 200);
  const batch = log.batch();
  batch.add({ topic: at.topic, key: null, value: Buffer.from('another'), headers: [] });
  await log.append(batch);
  assert.deepEqual(
    (await reading).map(({ offset }) => offset),
    [0, 1],
  );
});

test('D8: who drains does not wait for the interval', async (t) => {
  const log = await logOfOneRecord(await scratch(t));
  t.after(() => log.close());
  const draining = new AbortController();
  const reading = readBatch(log, at, 0, limits, draining.signal, () => takenMs);
  draining.abort();
  assert.ok((await reading).length <= 1);
});
