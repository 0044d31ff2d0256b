/**
 * Times as producers write them and as sinks need them.
 *
 * A time is RFC 3339 with a zone: `YYYY-MM-DDTHH:MM:SS[.fraction](Z|±HH:MM)`, `t` and `z` included, on a day that the
 * calendar has, without leap seconds, in the years 0001 to 9999 both as written and in UTC. Digits after the
 * microseconds are cut, never rounded up. `-00:00` is UTC, as RFC 3339 has it. Offsets go to ±23:59, as in RFC 3339's
 * grammar; PostgreSQL stops at ±15:59, which is why sinks are given a `Timestamp`, in UTC.
 */
declare const timestampBrand: unique symbol;

/** A moment in UTC with microseconds, `YYYY-MM-DDTHH:MM:SS.ffffffZ`: sorts as text, and PostgreSQL reads it without loss. */
export type Timestamp = string & { readonly [timestampBrand]: true };

export interface Time {
  /** Whole milliseconds since 1970, the latest that are not after the time. */
  readonly epochMs: number;
  readonly timestamp: Timestamp;
}

/** `undefined` where `text` is not a time. */
export function parseTime(text: string): Time | undefined {
  const moment = read(text);
  if (moment === undefined) return undefined;
  return { epochMs: moment.seconds * 1000 + Math.floor(moment.micros / 1000), timestamp: format(moment, text) };
}

export function isTime(text: string): boolean {
  return read(text) !== undefined;
}

const lastTime: { text: string; timestamp: Timestamp | undefined } = { text: '', timestamp: undefined };

/** `undefined` where `text` is not a time. The last one is kept: an event's row and its object's key both ask for it. */
export function timestampOf(text: string): Timestamp | undefined {
  if (lastTime.text === text) return lastTime.timestamp;
  const moment = read(text);
  lastTime.timestamp = moment === undefined ? undefined : format(moment, text);
  lastTime.text = text;
  return lastTime.timestamp;
}

/** The UTC date, `YYYY-MM-DD`. */
export function dayOf(timestamp: Timestamp): string {
  return timestamp.slice(0, 10);
}

/** RFC 3339 in UTC with milliseconds; `undefined` for what is not an integer in the years 0001 to 9999. */
export function timeFromEpochMs(epochMs: number): string | undefined {
  if (!Number.isInteger(epochMs)) return undefined;
  if (epochMs < firstSecond * 1000 || epochMs >= (lastSecond + 1) * 1000) return undefined;
  return new Date(epochMs).toISOString();
}

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, seconds since 1970. */
const firstSecond = -62_135_596_800;
const lastSecond = 253_402_300_799;
const daysFromYear1To1970 = 719_162;
const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334] as const;

interface Moment {
  /** Since 1970, in UTC. */
  readonly seconds: number;
  /** 0 to 999,999, after `seconds`. */
  readonly micros: number;
  readonly offsetMinutes: number;
}

function read(text: string): Moment | undefined {
  const days = readDate(text);
  if (Number.isNaN(days) || (text.charCodeAt(10) | 0x20) !== 0x74) return undefined; // T, t
  const daySeconds = readClock(text);
  if (Number.isNaN(daySeconds)) return undefined;
  let at = 19;
  let micros = 0;
  if (text.charCodeAt(at) === 0x2e) {
    let unit = 100_000;
    let digit = digitAt(text, ++at);
    if (digit < 0) return undefined;
    for (; digit >= 0; digit = digitAt(text, ++at)) {
      micros += digit * unit;
      unit = Math.trunc(unit / 10);
    }
  }
  const offsetMinutes = readZone(text, at);
  const seconds = days * 86_400 + daySeconds - offsetMinutes * 60;
  // not a number where the zone is none
  if (!(seconds >= firstSecond && seconds <= lastSecond)) return undefined;
  return { seconds, micros, offsetMinutes };
}

/** Days since 1970 of `YYYY-MM-DD`, NaN where there is no such day. */
function readDate(text: string): number {
  const year = pairAt(text, 0) * 100 + pairAt(text, 2);
  const month = pairAt(text, 5);
  const day = pairAt(text, 8);
  if (text.charCodeAt(4) !== 0x2d || text.charCodeAt(7) !== 0x2d || !(year >= 1)) return Number.NaN;
  const before = daysBeforeMonth[month - 1];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  if (before === undefined || !(day >= 1 && day <= daysIn(month, leap))) return Number.NaN;
  const past = year - 1;
  const leapDays = Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400) + (leap && month > 2 ? 1 : 0);
  return past * 365 + leapDays + before + day - 1 - daysFromYear1To1970;
}

function daysIn(month: number, leap: boolean): number {
  if (month === 2) return leap ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Seconds since midnight of `HH:MM:SS` at 11, or NaN. */
function readClock(text: string): number {
  const hour = pairAt(text, 11);
  const minute = pairAt(text, 14);
  const second = pairAt(text, 17);
  if (text.charCodeAt(13) !== 0x3a || text.charCodeAt(16) !== 0x3a) return Number.NaN;
  return hour < 24 && minute < 60 && second < 60 ? hour * 3600 + minute * 60 + second : Number.NaN;
}

/** The zone that begins at `at` and ends the text, minutes east of UTC, or NaN. */
function readZone(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if ((sign | 0x20) === 0x7a) return text.length === at + 1 ? 0 : Number.NaN; // Z, z
  if ((sign !== 0x2b && sign !== 0x2d) || text.charCodeAt(at + 3) !== 0x3a || text.length !== at + 6) return Number.NaN;
  const hours = pairAt(text, at + 1);
  const minutes = pairAt(text, at + 4);
  if (!(hours < 24 && minutes < 60)) return Number.NaN;
  return (sign === 0x2d ? -1 : 1) * (hours * 60 + minutes);
}

/** Two decimal digits, or NaN. */
function pairAt(text: string, at: number): number {
  const tens = digitAt(text, at);
  const ones = digitAt(text, at + 1);
  return tens < 0 || ones < 0 ? Number.NaN : tens * 10 + ones;
}

/** A decimal digit, or -1. */
function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

function format(moment: Moment, text: string): Timestamp {
  const fraction = String(1_000_000 + moment.micros).slice(1);
  if (moment.offsetMinutes === 0) return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction}Z` as Timestamp;
  const days = Math.floor(moment.seconds / 86_400);
  // the clock of the date in UTC: the offset changed hours and minutes, never seconds
  const minute = Math.floor((moment.seconds - days * 86_400) / 60);
  const clock = `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
  return `${formatDate(days)}T${clock}${text.slice(16, 19)}.${fraction}Z` as Timestamp;
}

const lastDate = { days: Number.NaN, text: '' };

/** `YYYY-MM-DD`. The last one is kept: events of one stretch share their day, and `Date` takes longer than all the rest. */
function formatDate(days: number): string {
  if (lastDate.days !== days) {
    lastDate.text = new Date(days * 86_400_000).toISOString().slice(0, 10);
    lastDate.days = days;
  }
  return lastDate.text;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
