/** The records of one transaction, or of many packages outside of one, sent to the leaders of their partitions, and acknowledged by all replicas that are in sync. */
import type { Broker } from '@platformatic/kafka';
import { answerOf, check, isStale } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { type Part, RECORD_BATCH_BYTES } from './kafka-batch.ts';
import { produceApi, type ProduceTopic } from './produce.ts';
import { encodeRecordBatch, type Producer } from './record-batch.ts';
import type { RecordChunk } from './record-chunk.ts';
import { leftMs, until } from './time-limit.ts';

/** By topic and partition: the number of the producer's next record there. */
export type Sequences = Map<string, number>;

export interface ProducedBy {
  /** `null`: outside of transactions, where each partition's records are there as they are stored. */
  readonly transactionalId: string | null;
  readonly producer: Producer;
  readonly sequences: Sequences;
}

export const placeName = (topic: string, partition: number): string => `${topic}/${partition}`;

interface Place {
  readonly topic: string;
  readonly partition: number;
  /** Each becomes a record batch; a request takes one of a partition. */
  readonly groups: RecordChunk[][];
}

/** Answers past which offset the records end in each partition. @throws whatever kept some of them from being stored */
export async function produceRecords(
  cluster: Cluster,
  by: ProducedBy,
  parts: readonly Part[],
  deadlineMs: number,
): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  try {
    const places = await byLeader(cluster, gather(parts));
    const sent = [...places].map(([broker, ofBroker]) => produceTo(cluster, broker, by, ofBroker, deadlineMs, ends));
    const results = await Promise.allSettled(sent);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    return ends;
  } catch (error) {
    if (isStale(error)) await until(deadlineMs, 'asking who leads', cluster.refresh());
    throw error;
  }
}

/** What several packages have for one partition goes together. */
function gather(parts: readonly Part[]): Iterable<Place> {
  const places = new Map<string, Place>();
  const bytes = new Map<RecordChunk[], number>();
  for (const { topic, partition, chunks } of parts) {
    const name = placeName(topic, partition);
    let place = places.get(name);
    if (place === undefined) places.set(name, (place = { topic, partition, groups: [] }));
    for (const chunk of chunks) {
      const last = place.groups.at(-1);
      const held = last === undefined ? Infinity : (bytes.get(last) ?? 0);
      const isFull = held + chunk.used > RECORD_BATCH_BYTES;
      const group = last === undefined || isFull ? [] : last;
      if (group !== last) place.groups.push(group);
      group.push(chunk);
      bytes.set(group, (group === last ? held : 0) + chunk.used);
    }
  }
  return places.values();
}

async function byLeader(cluster: Cluster, places: Iterable<Place>): Promise<ReadonlyMap<Broker, Place[]>> {
  const leaders = new Map<Broker, Place[]>();
  for (const place of places) {
    const leader = await cluster.leader(place);
    const others = leaders.get(leader);
    if (others) others.push(place);
    else leaders.set(leader, [place]);
  }
  return leaders;
}

async function produceTo(
  cluster: Cluster,
  broker: Broker,
  by: ProducedBy,
  places: readonly Place[],
  deadlineMs: number,
  ends: Map<string, number>,
): Promise<void> {
  for (let turn = 0; places.some(({ groups }) => groups.length > turn); turn += 1) {
    const topics = encode(places, turn, by);
    const connection = await until(deadlineMs, 'a connection', cluster.to(broker));
    const asked = produceApi.async(connection, by.transactionalId, Math.ceil(leftMs(deadlineMs)), topics);
    const { responses } = await until(deadlineMs, 'storing records', answerOf(asked));
    for (const { name, partitionResponses } of responses)
      for (const { index, errorCode, errorMessage, baseOffset } of partitionResponses) {
        check(errorCode, `storing records in ${name}-${index}`, errorMessage);
        const group = places.find(({ topic, partition }) => topic === name && partition === index)?.groups[turn];
        ends.set(placeName(name, index), Number(baseOffset) + countOf(group ?? []));
      }
  }
}

function encode(places: readonly Place[], turn: number, by: ProducedBy): readonly ProduceTopic[] {
  const { transactionalId, producer, sequences } = by;
  const topics = new Map<string, { readonly partition: number; readonly batch: Buffer }[]>();
  const timeMs = Date.now();
  const isTransactional = transactionalId !== null;
  for (const { topic, partition, groups } of places) {
    const group = groups[turn];
    if (group === undefined) continue;
    const name = placeName(topic, partition);
    const sequence = sequences.get(name) ?? 0;
    sequences.set(name, (sequence + countOf(group)) % 2 ** 31);
    const partitions = topics.get(topic) ?? [];
    partitions.push({ partition, batch: encodeRecordBatch(group, producer, { sequence, timeMs, isTransactional }) });
    topics.set(topic, partitions);
  }
  return [...topics].map(([name, partitions]) => ({ name, partitions }));
}

function countOf(chunks: readonly RecordChunk[]): number {
  return chunks.reduce((sum, { lengths }) => sum + lengths.length, 0);
}
