/** What Kafka has removed, as its retention does: readers are told, and go on at the start. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection, deleteRecordsV2 } from '@platformatic/kafka';
import { isFault } from '../../src/errors.ts';
import { openLog, sharedBroker } from '../support/kafka-broker.ts';
import { appendTexts, textsIn, topicOf } from '../support/kafka-records.ts';
import { recordsIn } from '../support/records-in.ts';

test('D2: offsets that are removed are out of range, and the range begins behind them', async (t) => {
  const log = await openLog(sharedBroker);
  t.after(() => log.close());
  const topic = await topicOf(log);
  const at = { topic, partition: 0 };
  for (const text of ['a', 'b', 'c', 'd']) await appendTexts(log, topic, [text]);
  const [, , third] = await recordsIn(log, at);
  await removeBefore(topic, third!.offset);
  // Another one: this process may still have what it has read.
  const other = await openLog(sharedBroker);
  t.after(() => other.close());
  assert.equal((await other.range(at)).start, third!.offset);
  await assert.rejects(other.read(at, 0, { maxBytes: 1 }), (error) => isFault(error, 'OFFSET_OUT_OF_RANGE'));
  await other.waitPast(at, 0, AbortSignal.timeout(30_000));
  assert.deepEqual(await textsIn(other, topic), ['c', 'd']);
  assert.equal(await other.offsetAtTime(at, 0), third!.offset);
});

async function removeBefore(topic: string, offset: number): Promise<void> {
  const connection = new Connection('test');
  await connection.connect(sharedBroker.host, sharedBroker.port);
  const partitions = [{ partitionIndex: 0, offset: BigInt(offset) }];
  await deleteRecordsV2.api.async(connection, [{ name: topic, partitions }], 10_000);
  await connection.close();
}
