/**
 * What a column takes, from the text of a CSV field or from a JSON value: a day is the number of days since 2000-01-01, as
 * PostgreSQL counts them.
 */
import { parseTime } from '../../event/time.ts';
import type { BulkColumn } from '../../pipeline/bulk.ts';
import { plainDay, plainInteger, plainText, type WritePlain } from './plain-values.ts';

export type ColumnValue = string | number;

/** Why a value is not taken. */
export class Refusal {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

export interface ColumnReader {
  /** PostgreSQL's type. */
  readonly sql: 'text' | 'date' | 'integer';
  readonly ofText: (text: string) => ColumnValue | Refusal;
  readonly ofJson: (value: unknown) => ColumnValue | Refusal;
  /** What `ofText` takes, or less. */
  readonly plain: WritePlain;
}

export function columnReader({ type, least }: BulkColumn): ColumnReader {
  if (type === 'integer') return integerReader(least ?? -(2 ** 31));
  if (type === 'day')
    return { sql: 'date', ofText: dayOf, ofJson: stringsOnly(dayOf, 'a day as YYYY-MM-DD'), plain: plainDay(knownDay) };
  return { sql: 'text', ofText: textOf, ofJson: stringsOnly(textOf, 'a string'), plain: plainText };
}

function stringsOnly(read: (text: string) => ColumnValue | Refusal, expected: string): ColumnReader['ofJson'] {
  const refusal = new Refusal(`expected ${expected}`);
  return (value) => (typeof value === 'string' ? read(value) : refusal);
}

const notUtf8 = new Refusal('holds U+FFFD, or bytes that are not UTF-8');
const notWellFormed = new Refusal('holds half of a surrogate pair, which is no character');
const holdsNul = new Refusal('holds the character NUL, which PostgreSQL does not keep');

function textOf(text: string): string | Refusal {
  if (text.includes('\uFFFD')) return notUtf8;
  if (text.includes('\0')) return holdsNul;
  return text.isWellFormed() ? text : notWellFormed;
}

const most = 2 ** 31 - 1;

function integerReader(least: number): ColumnReader {
  const what = least === 1 ? 'a positive integer' : `an integer from ${least}`;
  const refusal = new Refusal(`expected ${what}, at most ${most}`);
  const inRange = (value: number): number | Refusal => (value >= least && value <= most ? value : refusal);
  return {
    sql: 'integer',
    ofText: (text) => (/^(?:0|-?[1-9]\d{0,9})$/.test(text) ? inRange(Number(text)) : refusal),
    ofJson: (value) => (Number.isSafeInteger(value) ? inRange(Number(value)) : refusal),
    plain: plainInteger(least, most),
  };
}

const notADay = new Refusal('expected a day of the calendar, as YYYY-MM-DD');
const dayMs = 86_400_000;
const epochMs = Date.UTC(2000, 0, 1);
/** Rows of a batch have few different days; this many are remembered. */
const maxRemembered = 10_000;
const remembered = new Map<string, number>();

function dayOf(text: string): number | Refusal {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const days = parseDay(text);
  if (typeof days === 'number') {
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(text, days);
  }
  return days;
}

function parseDay(text: string): number | Refusal {
  if (text.length !== 'YYYY-MM-DD'.length) return notADay;
  const midnight = parseTime(`${text}T00:00:00Z`);
  return midnight === undefined ? notADay : (midnight.epochMs - epochMs) / dayMs;
}

function knownDay(text: string): number | undefined {
  const days = parseDay(text);
  return typeof days === 'number' ? days : undefined;
}
