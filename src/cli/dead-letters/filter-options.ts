/** Options that say which dead letters are meant. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Fault } from '../../errors.ts';
import { toUuid } from '../../event/ids.ts';
import { parseTime } from '../../event/time.ts';
import type { LetterFilter } from '../../dead-letters/letter-filter.ts';

/** A table is read by people. */
export const defaultTableRows = 50;

export interface FilterOptions {
  readonly pipeline?: string;
  readonly at?: 'ingest' | 'processor';
  readonly reason?: string;
  /** Unix milliseconds. */
  readonly since?: number;
  readonly until?: number;
  readonly text?: string;
}

export function withFilter(command: Command): Command {
  return command
    .option('--pipeline <name>', 'only of this pipeline')
    .addOption(new Option('--at <where>', 'only those refused there').choices(['ingest', 'processor']))
    .option('--reason <text>', 'only where "path: message" of the reason has this in it')
    .option(
      '--since <time>',
      'only received at or after: a date, a time with a zone, or 30m, 12h, 7d for so long ago',
      time,
    )
    .option('--until <time>', 'only received before', time)
    .option('--text <text>', 'only where the event, as it stands, has this in it');
}

export function filterOf(options: FilterOptions): LetterFilter {
  const { pipeline, at, reason, since, until, text } = options;
  return { pipeline, at, reason, sinceMs: since, untilMs: until, text };
}

/** As the admin API takes it. */
export function filterRequest(options: FilterOptions, ids: readonly string[]): object {
  const { pipeline, at, reason, since, until, text } = options;
  return {
    ids: ids.length > 0 ? ids : undefined,
    pipeline,
    at,
    reason,
    since: isoTime(since),
    until: isoTime(until),
    text,
  };
}

function isoTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

export function isFiltered(options: FilterOptions): boolean {
  return Object.values(filterOf(options)).some((value) => value !== undefined);
}

/** @throws Fault USAGE */
export function correlationIds(texts: readonly string[]): readonly string[] {
  return texts.map((text) => {
    const id = text.length === 36 ? toUuid(text) : undefined;
    if (id === undefined) throw new Fault('USAGE', `${JSON.stringify(text)} is no correlation id`);
    return id;
  });
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function time(text: string): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  const ms = ago ? Date.now() - Number(ago[1]) * (unitMs[ago[2] as string] as number) : undefined;
  const found = ms ?? parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)?.epochMs;
  if (found !== undefined) return found;
  throw new InvalidArgumentError('Expected 2026-11-20, 2026-11-20T10:00:00Z, or 30m, 12h, 7d for so long ago.');
}
