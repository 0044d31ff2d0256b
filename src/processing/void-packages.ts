/**
 * Packages that count for nothing, because another one was first under their Idempotency-Key. Their events are dropped, in whatever
 * batch, redo or replay they come by (D5, D9): a package that is void stays void, and one that is not never becomes it once
 * its records were looked up. Records of packages without a key cost nothing here.
 */
import { correlationIdParts } from '../event/correlation-id.ts';
import type { Reject } from '../event/reject.ts';
import { keyedHeader } from '../ingest/keyed-record.ts';
import type { LogRecord } from '../log/log.ts';
import { headerText } from '../log/record-header.ts';
import type { Convert, Filtered } from './convert.ts';

export interface VoidPackages {
  /** Those of these packages that are void, which is known when it resolves. @throws Fault STATE_UNAVAILABLE; then it is not known */
  voidAmong(packageIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** In place of an event of a void package. */
export const voided = Symbol('void');
export type Voided = typeof voided;

/** An event as the sinks take it, or what stands in its place. */
export type Converted<Output> = Output | Reject | Filtered | Voided;

/** A converter that knows which records are of void packages. */
export type ConvertOrVoid<Output> = (records: readonly LogRecord[]) => Promise<readonly Converted<Output>[]>;

const nothing: readonly never[] = [];

/** @param voids undefined where no package can be void */
export function withoutVoid<Output>(convert: Convert<Output>, voids: VoidPackages | undefined): ConvertOrVoid<Output> {
  if (voids === undefined) return convert;
  return async (records) => {
    const out = await voidRecords(records, voids);
    const outputs = await convert(records);
    return out.length === 0 ? outputs : outputs.map((output, index) => (out[index] ? voided : output));
  };
}

/** Which of the records are of a void package; empty where none is. */
export async function voidRecords(records: readonly LogRecord[], voids: VoidPackages): Promise<readonly boolean[]> {
  const packages = records.map(keyedPackage);
  const asked = [...new Set(packages)].filter((id) => id !== undefined);
  if (asked.length === 0) return nothing;
  const found = await voids.voidAmong(asked);
  return found.size === 0 ? nothing : packages.map((id) => id !== undefined && found.has(id));
}

function keyedPackage(record: LogRecord): string | undefined {
  if (!record.headers.some(([name]) => name === keyedHeader[0])) return undefined;
  return correlationIdParts(headerText(record, 'correlationId')).packageId;
}
