/**
 * Reads partitions: only what is committed, in pages. Of what this process has appended itself, it answers with the offsets behind it
 * also in the moment in which brokers have committed a transaction, and do not show it yet.
 */
import type { Connection } from '@platformatic/kafka';
import { Fault } from '../../errors.ts';
import type { OffsetRange, Page, TopicPartition } from '../log.ts';
import { check, isBrokerError } from './broker-error.ts';
import type { Cluster } from './cluster.ts';
import { committedRecords } from './committed-records.ts';
import { fetchApi, type Fetched } from './fetch.ts';
import { askLeader, unavailable } from './leader-request.ts';
import { endOf, offsetAt, startOf, writtenEndOf } from './offsets.ts';
import { type FetchedPage, PageCache, partOf } from './page-cache.ts';
import { placeName } from './produce-records.ts';
import { readRecordBatches } from './record-batch.ts';
import { pause } from './time-limit.ts';
import type { Ends } from './transactional-producer.ts';

/** Fetched at once, where a reader wants about so much or more; little is fetched for those who look at one record. */
const FETCH_BYTES = 1 << 20;
const LOOK_BYTES = 16 << 10;
const CACHE_BYTES = 16 << 20;
/** From the answer to a commit until the last partition shows it: milliseconds, unless a broker fails just then. */
const showsWithinMs = 10_000;

export class PartitionReader {
  readonly #cluster: Cluster;
  readonly #cache = new PageCache(CACHE_BYTES);
  /** What this process has appended ends there. */
  readonly #appended = new Map<string, number>();
  /** Every end that was seen; it never goes back. */
  readonly #ends = new Map<string, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  appended(ends: Ends): void {
    for (const [place, end] of ends) this.#appended.set(place, end);
  }

  async range(at: TopicPartition): Promise<OffsetRange> {
    const [start, end] = await Promise.all([startOf(this.#cluster, at), this.#end(at)]);
    return { start, end: Math.max(start, end) };
  }

  writtenEnd(at: TopicPartition): Promise<number> {
    return writtenEndOf(this.#cluster, at);
  }

  /** True where it is known without asking; more may be there. */
  isPast(at: TopicPartition, offset: number): boolean {
    return (this.#ends.get(nameOf(at)) ?? 0) > offset;
  }

  async read(at: TopicPartition, from: number, maxBytes: number): Promise<Page> {
    const place = nameOf(at);
    const page = this.#cache.find(place, from) ?? (await this.#fetchCommitted(at, from, maxBytes));
    const part = partOf(page, from, maxBytes);
    if (part.next === page.next) this.#cache.forget(place, page);
    return part;
  }

  async offsetAtTime(at: TopicPartition, timeMs: number): Promise<number> {
    const end = await this.#end(at);
    let next = (await offsetAt(this.#cluster, at, timeMs)) ?? end;
    while (next < end) {
      const page = await this.read(at, next, 1);
      const found = page.records.find((record) => record.timeMs >= timeMs);
      if (found) return found.offset;
      next = page.next;
    }
    return Math.max(next, end);
  }

  /** Waits at the broker until there is something past `offset`, or `maxWaitMs` are over; what came is there for the next read. */
  async await(connection: Connection, at: TopicPartition, offset: number, maxWaitMs: number): Promise<boolean> {
    const request = { ...at, from: offset, maxBytes: FETCH_BYTES, maxWaitMs };
    this.#take(at, offset, await fetchApi.async(connection, request));
    return this.isPast(at, offset);
  }

  /** Where everything that this process has appended is below it. */
  async #end(at: TopicPartition): Promise<number> {
    const place = nameOf(at);
    const deadlineMs = performance.now() + showsWithinMs;
    for (let attempt = 0; ; attempt += 1) {
      const end = await endOf(this.#cluster, at);
      this.#sawEnd(place, end);
      if (end >= (this.#appended.get(place) ?? 0)) return end;
      if (!(await pause(attempt, deadlineMs))) throw unavailable(at, new Error('what was committed is not shown yet'));
    }
  }

  async #fetchCommitted(at: TopicPartition, from: number, maxBytes: number): Promise<FetchedPage> {
    if (!(from >= 0)) throw outOfRange(at, from);
    let page = await this.#fetch(at, from, maxBytes);
    if (page.next === from && from < (this.#appended.get(nameOf(at)) ?? 0)) {
      await this.#end(at);
      page = await this.#fetch(at, from, maxBytes);
    }
    return page;
  }

  #fetch(at: TopicPartition, from: number, wanted: number): Promise<FetchedPage> {
    const maxBytes = wanted < LOOK_BYTES ? LOOK_BYTES : FETCH_BYTES;
    const request = { ...at, from, maxBytes, maxWaitMs: 0 };
    return askLeader(this.#cluster, at, async (connection) =>
      this.#take(at, from, await fetchApi.async(connection, request)),
    );
  }

  #take(at: TopicPartition, from: number, fetched: Fetched): FetchedPage {
    const place = nameOf(at);
    try {
      check(fetched.errorCode, `reading ${place} from ${from}`);
    } catch (error) {
      throw isBrokerError(error, 'OFFSET_OUT_OF_RANGE') ? outOfRange(at, from) : error;
    }
    const { lastStableOffset: to, aborted, records: bytes } = fetched;
    this.#sawEnd(place, to);
    const page = {
      ...committedRecords(readRecordBatches(bytes, place), aborted, { from, to }),
      from,
      bytes: bytes.length,
    };
    this.#cache.add(place, page);
    return page;
  }

  #sawEnd(place: string, end: number): void {
    if (end > (this.#ends.get(place) ?? 0)) this.#ends.set(place, end);
  }
}

const nameOf = ({ topic, partition }: TopicPartition): string => placeName(topic, partition);

function outOfRange({ topic, partition }: TopicPartition, offset: number): Fault {
  return new Fault('OFFSET_OUT_OF_RANGE', `Offset ${offset} of ${topic}-${partition} is not kept, or not there yet.`);
}
