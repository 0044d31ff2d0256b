/**
 * Time in buckets: each minute, hour, day, month and year of UTC, and all time, named by the beginning of their timestamps. A span of time
 * is read in as few buckets as it has: ten years are some dozens, however many events were counted.
 */
import type { Timestamp } from '../event/time.ts';
import { isTime } from '../event/time.ts';
import type { Minute } from '../pipeline/views.ts';

/** How much of `YYYY-MM-DDTHH:MM:SS` names an hour, a day, a month, a year, and all time. */
const lengths = [13, 10, 7, 4, 0] as const;
const hourLength = 13;
export const allTime = '';

/** The minute's name. */
export function minuteOf(time: Timestamp): string {
  return time.slice(0, 16);
}

/** All that the minute is in, its hour first. */
export function bucketsOf(minute: string): readonly string[] {
  return lengths.map((length) => minute.slice(0, length));
}

/** The bucket whose row holds that of this bucket: minutes are kept in their hours. */
export function keptIn(bucket: string): string {
  return bucket.slice(0, hourLength);
}

/** What names a minute in its hour; undefined for a bucket with a row of its own. */
export function minuteInHour(bucket: string): string | undefined {
  return bucket.length > hourLength ? bucket.slice(hourLength + 1) : undefined;
}

/** `YYYY-MM-DD` (its midnight) or `YYYY-MM-DDTHH:MM`, UTC, a minute that the calendar has; else undefined. */
export function parseMinute(text: string): Minute | undefined {
  const minute = text.length === 10 ? `${text}T00:00` : text;
  return minute.length === 16 && minute[10] === 'T' && isTime(`${minute}:00Z`) ? (minute as Minute) : undefined;
}

/** The largest buckets that together are `lower <= time < upper`, in their order. */
export function bucketsBetween(lower: Minute, upper: Minute): readonly string[] {
  const buckets: string[] = [];
  for (let at: string = lower; at < upper;) {
    const [length, next] = largestFrom(at, upper);
    buckets.push(at.slice(0, length));
    at = next;
  }
  return buckets;
}

/** The year 9999 has no year behind it that a name could have: it is read in its months, and the last of those in its days. */
const beyond = '9999-12-31T23:60';

/** Of the buckets that begin at that minute, the largest that ends at `upper` or before: how long its name is, and where the next begins. */
function largestFrom(at: string, upper: string): readonly [length: number, next: string] {
  for (const length of [4, 7, 10, 13] as const) {
    if (!beginsAt(at, length)) continue;
    const next = after(at, length);
    if (next <= upper) return [length, next];
  }
  return [16, after(at, 16)];
}

/** Whether a bucket with a name of that length begins at the minute. */
function beginsAt(at: string, length: number): boolean {
  return at.slice(length) === '0000-01-01T00:00'.slice(length);
}

/** The minute at which the next bucket of that length begins. */
function after(at: string, length: number): string {
  const date = new Date(`${at}Z`);
  if (length === 4) date.setUTCFullYear(date.getUTCFullYear() + 1);
  else if (length === 7) date.setUTCMonth(date.getUTCMonth() + 1);
  else if (length === 10) date.setUTCDate(date.getUTCDate() + 1);
  else date.setUTCMinutes(date.getUTCMinutes() + (length === 13 ? 60 : 1));
  return date.getUTCFullYear() > 9999 ? beyond : date.toISOString().slice(0, 16);
}
