/** Where reading begins, as it is written on the command line: `start`, `end`, an offset, or a time. */
import { InvalidArgumentError } from 'commander';
import { parseTime } from '../../event/time.ts';
import type { LogReader, TopicPartition } from '../../log/log.ts';

export type StartAt = 'start' | 'end' | { readonly offset: number } | { readonly timeMs: number };

export function startAt(text: string): StartAt {
  const start = readStart(text);
  if (start !== undefined) return start;
  throw new InvalidArgumentError('Expected start, end, an offset, or a time such as 2026-11-20T12:00:00Z.');
}

/** Undefined where it is none of these. */
export function readStart(text: string): StartAt | undefined {
  if (text === 'start' || text === 'end') return text;
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const time = parseTime(text);
  return time && { timeMs: time.epochMs };
}

/** The offset to begin at. What retention has removed, and what is not there yet, is begun at the nearest end. */
export async function offsetOf(log: LogReader, at: TopicPartition, from: StartAt): Promise<number> {
  const { start, end } = await log.range(at);
  if (from === 'start') return start;
  if (from === 'end') return end;
  if ('timeMs' in from) return log.offsetAtTime(at, from.timeMs);
  return Math.min(Math.max(from.offset, start), end);
}
