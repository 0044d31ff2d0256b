/**
 * One batch in every sink that takes it, rendered as it is read: of its events nothing is kept but what the sinks hold, and
 * the records of those that are invalid.
 */
import { asReject, Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { RejectedEvent } from '../sinks/sink.ts';
import type { FilledBatch } from './stage-batch.ts';

export interface Invalid extends RejectedEvent {
  readonly record: LogRecord;
}

export class BatchInHand<Output> {
  readonly from: number;
  readonly sinks: readonly FilledBatch<Output>[];
  /** Offsets of events that an earlier try has dropped or made dead letters of. */
  readonly out: ReadonlySet<number>;
  readonly invalid: Invalid[] = [];
  /** The offset behind the last record. */
  to: number;
  /** That the sinks hold. */
  events = 0;

  constructor(from: number, sinks: readonly FilledBatch<Output>[], out: ReadonlySet<number>) {
    this.from = from;
    this.to = from;
    this.sinks = sinks;
    this.out = out;
    for (const { batch } of sinks) batch.clear();
  }

  add(records: readonly LogRecord[], outputs: readonly (Output | Reject)[]): void {
    this.to += records.length;
    for (const [index, record] of records.entries()) {
      const { offset } = record;
      if (this.out.has(offset)) continue;
      const output = outputs[index] as Output | Reject;
      const reject = output instanceof Reject ? output : this.#place(offset, output);
      if (reject) this.invalid.push({ offset, path: reject.path, message: reject.message, record });
      else this.events += 1;
    }
  }

  /** Events that a sink refused when it staged them: it has left them out, as all others have. */
  reject(refused: readonly Invalid[]): void {
    this.invalid.push(...refused);
    this.events -= refused.length;
  }

  #place(offset: number, output: Output): Reject | undefined {
    let placed = 0;
    try {
      for (const { batch } of this.sinks) {
        batch.add(offset, output);
        placed += 1;
      }
      return undefined;
    } catch (error) {
      for (const { batch } of this.sinks.slice(0, placed)) batch.removeLast();
      return asReject(error, 'land');
    }
  }
}
