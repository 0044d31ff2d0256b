/**
 * Time in buckets: each minute, hour, day, month and year of UTC. A bucket is a part of the row of the next larger one: an hour's row has its
 * minutes, a day's its hours, a month's its days, a year's its months, and that of all time the years. So any span of time is parts of a few
 * rows, however long it is, and however many events were counted.
 */
import { isTime, type Timestamp } from '../event/time.ts';
import type { Minute } from '../pipeline/views.ts';

/** How much of `YYYY-MM-DDTHH:MM` names an hour, a day, a month, a year, and all time; and how much names a part of it. */
const levels = [
  [13, 16],
  [10, 13],
  [7, 10],
  [4, 7],
  [0, 4],
] as const;
export const allTime = '';

/** Where a bucket is counted. */
export interface Place {
  readonly row: string;
  /** Of the same length in all of a row, so that they sort as text. */
  readonly part: string;
}

/** The minute's name. */
export function minuteOf(time: Timestamp): string {
  return time.slice(0, 16);
}

/** Where an event of the minute is counted. */
export function placesOf(minute: string): readonly Place[] {
  return levels.map(([row, part]) => placeOf(minute, row, part));
}

function placeOf(minute: string, rowLength: number, partLength: number): Place {
  return { row: minute.slice(0, rowLength), part: minute.slice(rowLength === 0 ? 0 : rowLength + 1, partLength) };
}

/** `YYYY-MM-DD` (its midnight) or `YYYY-MM-DDTHH:MM`, UTC, a minute that the calendar has; else undefined. */
export function parseMinute(text: string): Minute | undefined {
  const minute = text.length === 10 ? `${text}T00:00` : text;
  return minute.length === 16 && minute[10] === 'T' && isTime(`${minute}:00Z`) ? (minute as Minute) : undefined;
}

/** Parts of a row, `from` to `to` with both. */
export interface Span {
  readonly row: string;
  readonly from: string;
  readonly to: string;
}

/** What together is `lower <= time < upper`, of the largest buckets that are in it, in their order: nine rows at most. */
export function spansBetween(lower: Minute, upper: Minute): readonly Span[] {
  const spans: Span[] = [];
  for (let at: string = lower; at < upper;) {
    const [{ row, part }, next] = largestFrom(at, upper);
    const last = spans.at(-1);
    if (last?.row === row) spans[spans.length - 1] = { ...last, to: part };
    else spans.push({ row, from: part, to: part });
    at = next;
  }
  return spans;
}

/** Behind the last minute of the year 9999, where no name goes. */
const beyond = '9999-12-31T23:60';

/** Of the buckets that begin at that minute, the largest that ends at `upper` or before, and where the next begins. */
function largestFrom(at: string, upper: string): readonly [place: Place, next: string] {
  for (const [row, part] of levels.toReversed()) {
    if (!beginsAt(at, part)) continue;
    const next = after(at, part);
    if (next <= upper) return [placeOf(at, row, part), next];
  }
  throw new Error(`no minute begins at ${at}`);
}

/** Whether a bucket with a name of that length begins at the minute. */
function beginsAt(at: string, length: number): boolean {
  return at.slice(length) === '0000-01-01T00:00'.slice(length);
}

/** The minute at which the next bucket of that length begins. */
function after(at: string, length: number): string {
  if (length === 4) return Number(at.slice(0, 4)) === 9999 ? beyond : `${nextYear(at)}-01-01T00:00`;
  const date = new Date(`${at}Z`);
  if (length === 7) date.setUTCMonth(date.getUTCMonth() + 1);
  else if (length === 10) date.setUTCDate(date.getUTCDate() + 1);
  else date.setUTCMinutes(date.getUTCMinutes() + (length === 13 ? 60 : 1));
  return date.getUTCFullYear() > 9999 ? beyond : date.toISOString().slice(0, 16);
}

function nextYear(at: string): string {
  return String(Number(at.slice(0, 4)) + 1).padStart(4, '0');
}
