/** From events to chunks of encoded rows, noting which rows are refused before PostgreSQL sees them and which months they fall in. */
import { asReject, Reject } from '../../event/reject.ts';
import type { TableSink } from '../../pipeline/pipeline.ts';
import type { RejectedEvent, SinkEvent } from '../sink.ts';
import { type RowEncoder, rowEncoder } from './row-encoder.ts';

/** Bytes of rows that go to the connection at once. */
export const usualChunkBytes = 64 * 1024;
/** Each row a chunk of its own. */
export const rowByRow = 1;
/** So that a row of ordinary size fits behind a chunk that is almost full. */
const spareBytes = 16 * 1024;

/** One pass over the events of a batch: `rejected` and `missingMonths` are complete when `chunks` has been read to its end. */
export interface Mapping {
  readonly chunks: Iterable<Buffer>;
  readonly rejected: readonly RejectedEvent[];
  /** `YYYY-MM` for which there is no partition. From the first of them on, no more rows come: they could not go in. */
  readonly missingMonths: ReadonlySet<string>;
}

export interface RowMapper<E> {
  map(events: readonly SinkEvent<E>[], hasPartition: (month: string) => boolean, chunkBytes: number): Mapping;
}

export function rowMapper<E>(definition: TableSink<E>): RowMapper<E> {
  const encoder = rowEncoder(definition.columns);
  return {
    map: (events, hasPartition, chunkBytes) => new Pass(definition, encoder, events, hasPartition, chunkBytes),
  };
}

class Pass<E> implements Mapping {
  readonly chunks: Iterable<Buffer>;
  readonly rejected: RejectedEvent[] = [];
  readonly missingMonths = new Set<string>();
  readonly #definition: TableSink<E>;
  readonly #encoder: RowEncoder;
  readonly #hasPartition: (month: string) => boolean;
  #month = '';

  constructor(
    definition: TableSink<E>,
    encoder: RowEncoder,
    events: readonly SinkEvent<E>[],
    hasPartition: (month: string) => boolean,
    chunkBytes: number,
  ) {
    this.#definition = definition;
    this.#encoder = encoder;
    this.#hasPartition = hasPartition;
    this.chunks = this.#chunksOf(events, chunkBytes);
  }

  *#chunksOf(events: readonly SinkEvent<E>[], chunkBytes: number): Generator<Buffer> {
    let chunk = Buffer.alloc(0);
    let end = 0;
    for (const { offset, event } of events) {
      try {
        const row = this.#definition.row(event);
        const room = this.#encoder.room(row);
        this.#noteMonth(row[this.#definition.partitionBy.column] as string);
        if (this.missingMonths.size > 0) continue;
        if (end >= chunkBytes || end + room > chunk.length) {
          if (end > 0) yield chunk.subarray(0, end);
          chunk = Buffer.allocUnsafeSlow(Math.max(chunkBytes + spareBytes, room));
          end = 0;
        }
        end = this.#encoder.write(chunk, end, row);
      } catch (error) {
        const { path, message } = asReject(error, 'make a row of');
        this.rejected.push({ offset, path, message });
      }
    }
    if (end > 0 && this.missingMonths.size === 0) yield chunk.subarray(0, end);
  }

  #noteMonth(time: string): void {
    if (this.#month !== '' && time.startsWith(this.#month)) return;
    const month = time.slice(0, 'YYYY-MM'.length);
    // It becomes part of names and statements: nothing but a month passes.
    if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month) || month.startsWith('0000'))
      throw new Reject(this.#definition.partitionBy.column, 'a time of the years 0001 to 9999');
    this.#month = month;
    if (!this.#hasPartition(month)) this.missingMonths.add(month);
  }
}
