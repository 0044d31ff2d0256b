/**
 * A log whose offsets have holes, as on Kafka: before some records, behind others, and alone at the end. It stands before another
 * log; where its holes are follows from the place alone, so that it has the same offsets when it is opened again.
 */
import { createHash } from 'node:crypto';
import { Fault } from '../../src/errors.ts';
import type { Log, OffsetRange, Page, TopicPartition } from '../../src/log/log.ts';

const mostHoles = 3;

export function sparseLog(log: Log): Log {
  const places = new Map<string, Holes>();
  const holesOf = ({ topic, partition }: TopicPartition): Holes => {
    const name = `${topic}/${partition}`;
    const known = places.get(name) ?? new Holes(name);
    places.set(name, known);
    return known;
  };
  const range = async (at: TopicPartition): Promise<OffsetRange> => {
    const { start, end } = await log.range(at);
    const holes = holesOf(at);
    return { start: holes.past(start), end: holes.endAt(end) };
  };
  return {
    id: log.id,
    topics: () => log.topics(),
    range,
    read: (at, from, limit) => read(log, holesOf(at), at, from, limit),
    offsetAtTime: async (at, timeMs) => {
      const [found, { end }] = [await log.offsetAtTime(at, timeMs), await log.range(at)];
      return found < end ? holesOf(at).of(found) : holesOf(at).endAt(end);
    },
    waitPast: async (at, offset, signal) => {
      for (;;) {
        const { end } = await log.range(at);
        if (holesOf(at).endAt(end) > offset) return signal.throwIfAborted();
        await log.waitPast(at, end, signal);
      }
    },
    ensureTopics: (topics) => log.ensureTopics(topics),
    batch: () => log.batch(),
    append: (batch, options) => log.append(batch, options),
    room: (signal) => log.room(signal),
    join: (membership) => log.join(membership),
    retain: (limits, keepFrom) =>
      log.retain(
        limits,
        keepFrom.map(({ topic, partition, offset }) => {
          const at = { topic, partition };
          return { ...at, offset: holesOf(at).firstFrom(offset) };
        }),
      ),
    close: () => log.close(),
  };
}

async function read(
  log: Log,
  holes: Holes,
  at: TopicPartition,
  from: number,
  limit: { readonly maxBytes: number },
): Promise<Page> {
  const { start, end } = await log.range(at);
  if (from < holes.past(start) || from > holes.endAt(end))
    throw new Fault('OFFSET_OUT_OF_RANGE', `Offset ${from} of ${at.topic}-${at.partition} is not kept.`);
  const first = holes.firstFrom(from);
  if (first >= end) return { records: [], next: holes.endAt(end) };
  const before = holes.of(first) - from;
  if (before > 0 && from % 2 === 0) return { records: [], next: from + 1 + (from % before) };
  const { records, next } = await log.read(at, first, limit);
  return {
    records: records.map((record) => ({ ...record, offset: holes.of(record.offset) })),
    next: next === end ? holes.endAt(end) : holes.past(next),
  };
}

/** Of one partition. Records are counted as in the log that stands behind. */
class Holes {
  readonly #seed: Buffer;
  /** The offset of each record, as far as was asked. */
  readonly #offsets: number[] = [];

  constructor(name: string) {
    this.#seed = createHash('sha256').update(name).digest();
  }

  #before(record: number): number {
    return this.#seed[(record * 7) % this.#seed.length]! % (mostHoles + 1);
  }

  of(record: number): number {
    for (let i = this.#offsets.length; i <= record; i++)
      this.#offsets.push((this.#offsets.at(-1) ?? -1) + 1 + this.#before(i));
    return this.#offsets[record]!;
  }

  /** Just behind the record before. */
  past(record: number): number {
    return record === 0 ? 0 : this.of(record - 1) + 1;
  }

  /** Of a partition with so many records: some of the holes before the next one are there already. */
  endAt(records: number): number {
    return records === 0 ? 0 : this.past(records) + Math.min(1, this.#before(records));
  }

  /** The first record at or after an offset. */
  firstFrom(offset: number): number {
    let record = 0;
    while (this.of(record) < offset) record += 1;
    return record;
  }
}
