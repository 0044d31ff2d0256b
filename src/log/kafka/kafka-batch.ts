/** A batch, encoded as it is filled: for each partition chunks of records, which go into record batches as they are. */
import type { Batch, NewRecord } from '../log.ts';
import { ChunkBuffers } from '../chunk-buffers.ts';
import { partitionFor, partitionForBytes } from '../partition.ts';
import { bodyBytes, type RecordChunk, writeBody } from './record-chunk.ts';

/**
 * A record batch takes about so much, or one record: few enough for topics that others have made (Kafka's `max.message.bytes` is
 * 1 MiB by default), and for readers, who get batches whole.
 */
export const RECORD_BATCH_BYTES = 512 << 10;

/** Small chunks grow up to this; large ones are not copied, and leave little unused. */
const CHUNK_BYTES = 64 << 10;

/** Of all logs of the process. */
const buffers = new ChunkBuffers();

/** Memory of a chunk beside its buffer, and of a record beside its bytes, about. */
const CHUNK_OVERHEAD_BYTES = 200;
const RECORD_OVERHEAD_BYTES = 8;

export interface Part {
  readonly topic: string;
  readonly partition: number;
  readonly chunks: RecordChunk[];
}

/** Answers how many partitions a topic has. @throws Fault TOPIC_UNKNOWN */
export type PartitionsOf = (topic: string) => number;

/** Counts records without a key, by topic, so that they spread evenly. */
export class Turns {
  readonly #next = new Map<string, number>();

  take(topic: string): number {
    const turn = this.#next.get(topic) ?? 0;
    this.#next.set(topic, turn + 1);
    return turn;
  }
}

export class KafkaBatch implements Batch {
  count = 0;
  bytes = 0;
  readonly #parts = new Map<string, Part[]>();
  readonly #partitionsOf: PartitionsOf;
  readonly #turns: Turns;

  constructor(partitionsOf: PartitionsOf, turns: Turns) {
    this.#partitionsOf = partitionsOf;
    this.#turns = turns;
  }

  *parts(): Generator<Part> {
    for (const parts of this.#parts.values()) for (const part of parts) if (part !== undefined) yield part;
  }

  add({ topic, key, value, headers }: NewRecord): void {
    const partitions = this.#partitionsOf(topic);
    const keyBytes = key === null ? null : Buffer.from(key);
    const partition =
      keyBytes === null
        ? partitionFor(null, partitions, this.#turns.take(topic))
        : partitionForBytes(keyBytes, keyBytes.length, partitions);
    const body = { key: keyBytes, value, headers };
    writeBody(this.#room(this.#part(topic, partition).chunks, bodyBytes(body)), body);
    this.count += 1;
    this.bytes += RECORD_OVERHEAD_BYTES;
  }

  #part(topic: string, partition: number): Part {
    let parts = this.#parts.get(topic);
    if (parts === undefined) this.#parts.set(topic, (parts = []));
    return (parts[partition] ??= { topic, partition, chunks: [] });
  }

  /** The partition's last chunk, grown while it is small, or a new one. */
  #room(chunks: RecordChunk[], needed: number): RecordChunk {
    const last = chunks.at(-1);
    if (last !== undefined && last.used + needed <= last.buffer.length) return last;
    if (last !== undefined && last.used + needed <= CHUNK_BYTES) return this.#grow(last, needed);
    const buffer = buffers.take(last === undefined ? needed : Math.max(needed, CHUNK_BYTES));
    const chunk = { buffer, used: 0, lengths: [] };
    chunks.push(chunk);
    this.bytes += buffer.length + CHUNK_OVERHEAD_BYTES;
    return chunk;
  }

  #grow(chunk: RecordChunk, needed: number): RecordChunk {
    const { buffer, used } = chunk;
    chunk.buffer = buffers.take(Math.min(CHUNK_BYTES, Math.max(4 * buffer.length, used + needed)));
    buffer.copy(chunk.buffer, 0, 0, used);
    this.bytes += chunk.buffer.length - buffer.length;
    buffers.give(buffer);
    return chunk;
  }

  /** Its records are stored: their memory goes to other batches, and nothing of it can be read any more. */
  release(): void {
    for (const { chunks } of this.parts()) for (const { buffer } of chunks) buffers.give(buffer);
    this.#parts.clear();
  }
}
