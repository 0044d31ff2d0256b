/**
 * One batch in every sink that takes it, rendered as it is read: of its events nothing is kept but what the sinks hold, and
 * the records of those that are invalid.
 */
import { asReject, Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import type { RejectedEvent } from '../sinks/sink.ts';
import type { BatchOrigins } from './batch-origins.ts';
import type { BatchPage } from './read-batch.ts';
import type { FilledBatch } from './stage-batch.ts';
import { Filtered } from './convert.ts';
import { duplicate } from './duplicates.ts';
import { type Converted, voided } from './void-packages.ts';

export interface Invalid extends RejectedEvent {
  readonly record: LogRecord;
}

export class BatchInHand<Output> {
  readonly from: number;
  readonly sinks: readonly FilledBatch<Output>[];
  /** A sink has it already: what is not out has landed there. */
  readonly hasLanded: boolean;
  /** Where batches are traced. */
  readonly origins: BatchOrigins | undefined;
  readonly invalid: Invalid[] = [];
  /** The offset behind the last record, and behind what follows it that is none. */
  to: number;
  /** That the sinks hold. */
  events = 0;
  /** Events that an earlier try has dropped or made dead letters of. */
  out = 0;
  /** Events of void packages. */
  voided = 0;
  /** How many were filtered, by reason. */
  readonly filtered = new Map<string, number>();
  /** Offsets of events whose key was seen before, ascending. */
  duplicates: number[] = [];
  /** Of all records. */
  bytes = 0;

  constructor(from: number, sinks: readonly FilledBatch<Output>[], hasLanded: boolean, origins?: BatchOrigins) {
    this.from = from;
    this.to = from;
    this.sinks = sinks;
    this.hasLanded = hasLanded;
    this.origins = origins;
    for (const { batch } of sinks) batch.clear();
  }

  /** @param out offsets of events that an earlier try has dropped or made dead letters of */
  add(
    { records, next, bytes }: BatchPage,
    outputs: readonly (Converted<Output> | typeof duplicate)[],
    out: ReadonlySet<number>,
  ): void {
    this.to = next;
    this.bytes += bytes;
    for (const [index, record] of records.entries()) {
      const { offset } = record;
      if (out.has(offset)) {
        this.out += 1;
        continue;
      }
      const output = outputs[index] as Converted<Output> | typeof duplicate;
      if (this.#isLeftOut(offset, output)) continue;
      const reject = output instanceof Reject ? output : this.#place(offset, output as Output);
      if (reject) this.invalid.push({ offset, path: reject.path, message: reject.message, record });
      else this.events += 1;
    }
  }

  /** Events that a sink refused when it staged them: it has left them out, as all others have. */
  reject(refused: readonly Invalid[]): void {
    this.invalid.push(...refused);
    this.events -= refused.length;
  }

  /** Events that counted as duplicates of others, which are refused. */
  rejectDuplicates(refused: readonly Invalid[]): void {
    const offsets = new Set(refused.map(({ offset }) => offset));
    this.duplicates = this.duplicates.filter((offset) => !offsets.has(offset));
    this.invalid.push(...refused);
  }

  #isLeftOut(offset: number, output: Converted<Output> | typeof duplicate): boolean {
    if (output === voided) this.voided += 1;
    else if (output === duplicate) this.duplicates.push(offset);
    else if (output instanceof Filtered) this.filtered.set(output.reason, (this.filtered.get(output.reason) ?? 0) + 1);
    else return false;
    return true;
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
