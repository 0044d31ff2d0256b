/**
 * The header of every record of a package with an Idempotency-Key, where several processes append to the log: such a package may be
 * void (idempotency.ts), which its records cannot tell by themselves.
 */
import type { Header, NewRecord } from '../log/log.ts';

export const keyedHeader: Header = ['keyed', 'true'];

export function keyedRecord(record: NewRecord): NewRecord {
  return { ...record, headers: [...record.headers, keyedHeader] };
}
