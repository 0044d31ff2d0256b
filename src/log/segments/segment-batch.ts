/**
 * A batch, encoded as it is filled: for each partition chunks of records, which a frame takes over as they are.
 */
import { maxBytesPerUnit, writeUtf8 } from '../../event/utf8.ts';
import type { Batch, NewRecord } from '../log.ts';
import { partitionForBytes, partitionFor } from '../partition.ts';
import { ChunkBuffers } from '../chunk-buffers.ts';
import type { LogState } from './log-state.ts';
import { recordBytesAtMost, writeRecord } from './record.ts';

/** Small chunks grow up to this; large ones are not copied, and leave little unused. */
const CHUNK_BYTES = 64 << 10;

/** Of all logs of the process. */
const buffers = new ChunkBuffers();

/** At most `MAX_SECTION_BYTES` of records, or one record. */
export interface Chunk {
  buffer: Buffer;
  used: number;
  count: number;
}

export interface Part {
  readonly topicId: number;
  readonly partition: number;
  readonly chunks: Chunk[];
}

/** Memory of a chunk beside its buffer, about. */
const CHUNK_OVERHEAD_BYTES = 200;

/** Counts records without a key, by topic, so that they spread evenly. */
export class Turns {
  readonly #next: number[] = [];

  take(topicId: number): number {
    const turn = this.#next[topicId] ?? 0;
    this.#next[topicId] = turn + 1;
    return turn;
  }
}

/** Room for a key that is being hashed; grows to the longest key seen. */
let keyScratch: Buffer = Buffer.allocUnsafeSlow(1024);

function encodeKey(key: string): number {
  if (key.length * maxBytesPerUnit > keyScratch.length)
    keyScratch = Buffer.allocUnsafeSlow(key.length * maxBytesPerUnit);
  return writeUtf8(keyScratch, 0, key);
}

export class SegmentBatch implements Batch {
  readonly parts = new Map<number, Part>();
  count = 0;
  bytes = 0;
  /** Of the records: what the batch takes in a frame beside its sections' entries. */
  payloadBytes = 0;
  readonly #state: LogState;
  readonly #turns: Turns;

  constructor(state: LogState, turns: Turns) {
    this.#state = state;
    this.#turns = turns;
  }

  add(record: NewRecord): void {
    const { topicId, spec } = this.#state.topic(record.topic);
    const keyBytes = record.key === null ? -1 : encodeKey(record.key);
    const partition =
      keyBytes < 0
        ? partitionFor(null, spec.partitions, this.#turns.take(topicId))
        : partitionForBytes(keyScratch, keyBytes, spec.partitions);
    const needed = recordBytesAtMost(Math.max(keyBytes, 0), record.value, record.headers);
    const chunk = this.#room(this.#part(topicId, partition).chunks, needed);
    const end = writeRecord(chunk.buffer, chunk.used, keyScratch, keyBytes, record.value, record.headers);
    this.payloadBytes += end - chunk.used;
    chunk.used = end;
    chunk.count += 1;
    this.count += 1;
  }

  #part(topicId: number, partition: number): Part {
    const key = placeKey(topicId, partition);
    let part = this.parts.get(key);
    if (part === undefined) {
      part = { topicId, partition, chunks: [] };
      this.parts.set(key, part);
    }
    return part;
  }

  /** The partition's last chunk, grown while it is small, or a new one. */
  #room(chunks: Chunk[], needed: number): Chunk {
    const last = chunks.at(-1);
    if (last !== undefined && last.used + needed <= last.buffer.length) return last;
    if (last !== undefined && last.used + needed <= CHUNK_BYTES) return this.#grow(last, needed);
    const chunk = {
      buffer: buffers.take(last === undefined ? needed : Math.max(needed, CHUNK_BYTES)),
      used: 0,
      count: 0,
    };
    chunks.push(chunk);
    this.bytes += chunk.buffer.length + CHUNK_OVERHEAD_BYTES;
    return chunk;
  }

  #grow(chunk: Chunk, needed: number): Chunk {
    const { buffer, used } = chunk;
    chunk.buffer = buffers.take(Math.min(CHUNK_BYTES, Math.max(4 * buffer.length, used + needed)));
    buffer.copy(chunk.buffer, 0, 0, used);
    this.bytes += chunk.buffer.length - buffer.length;
    buffers.give(buffer);
    return chunk;
  }

  /** Its records are in a frame: their memory goes to other batches, and nothing of it can be read any more. */
  release(): void {
    for (const { chunks } of this.parts.values()) for (const { buffer } of chunks) buffers.give(buffer);
    this.parts.clear();
  }
}

/** One number for a partition of a topic; partitions are far fewer than 2^24. */
export const placeKey = (topicId: number, partition: number): number => topicId * 2 ** 24 + partition;
