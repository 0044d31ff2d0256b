/** What `tributary keys add` takes, as it is written on the command line. */
import { InvalidArgumentError } from 'commander';
import { parseTime } from '../../event/time.ts';

export function keyName(text: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) return text;
  throw new InvalidArgumentError('Expected 1 to 64 letters, digits, dots, hyphens or underscores.');
}

/** Requests a second: `50`, `50/s` or `0.5/s`. */
export function rate(text: string): number {
  const value = Number(/^(\d{1,9}(?:\.\d+)?)(?:\/s)?$/.exec(text)?.[1]);
  if (value >= 0.001) return value;
  throw new InvalidArgumentError('Expected requests a second such as 50/s, at least 0.001/s.');
}

const unitMs = { h: 3_600_000, d: 24 * 3_600_000 } as const;

/** Unix milliseconds, from a duration or a time. */
export function expiry(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([hd])$/.exec(text) ?? [];
  const ms = unit === '' ? parseTime(text)?.epochMs : Date.now() + Number(count) * unitMs[unit as 'h' | 'd'];
  if (ms === undefined) throw new InvalidArgumentError('Expected 90d, 12h, or a time such as 2030-01-31T00:00:00Z.');
  if (ms <= Date.now()) throw new InvalidArgumentError('Expected a time to come.');
  return ms;
}
