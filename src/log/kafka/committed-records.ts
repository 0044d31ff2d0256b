/**
 * Which records of a fetched page are committed. The broker ends the page below the first transaction that is still open, and names
 * those in it that were aborted, each by its producer and where it began; it ends at that producer's next abort marker.
 */
import type { LogRecord } from '../log.ts';
import type { ReadBatch } from './record-batch.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface CommittedRecords {
  readonly records: LogRecord[];
  /** Past the last batch, of whatever kind; `from` where there was none. */
  readonly next: number;
}

/** @param offsets where the page begins, and the end of what is decided: nothing from there on is looked at */
export function committedRecords(
  batches: Iterable<ReadBatch>,
  aborted: readonly AbortedTransaction[],
  { from, to }: { readonly from: number; readonly to: number },
): CommittedRecords {
  const ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  /** Producers of which an aborted transaction is under way here. */
  const aborting = new Set<bigint>();
  const records: LogRecord[] = [];
  let next = from;
  let begun = 0;
  for (const batch of batches) {
    if (batch.baseOffset >= to) break;
    for (; begun < ahead.length && ahead[begun]!.firstOffset < batch.next; begun += 1)
      aborting.add(ahead[begun]!.producerId);
    next = Math.max(next, batch.next);
    if (batch.control === 'abort') aborting.delete(batch.producerId);
    if (batch.control !== undefined || (batch.isTransactional && aborting.has(batch.producerId))) continue;
    for (const record of batch.records()) if (record.offset >= from) records.push(record);
  }
  return { records, next };
}
