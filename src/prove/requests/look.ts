/**
 * What the dashboards of all nodes show once all has landed and nothing more comes in: before a rebuild of the views, while it goes on (the
 * old ones answer), and after it. All of it must be what the contract's SQL gives over the raw events, so it is kept for then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LookedAt } from '../subject.ts';
import { allTime, type Range, rangePath, symbolPath, symbols } from './dashboard.ts';

/** Paths, what each was answered with, and when that was: words for a report. */
export type Shown = ReadonlyMap<string, ReadonlyMap<string, string>>;

export interface Looked {
  readonly ranges: readonly Range[];
  readonly shown: Shown;
  /** How many were read. */
  readonly reads: number;
}

/** That a node which has just started may need to catch up. */
const catchUpLimitMs = 60_000;
const retryAfterMs = 50;

/** @param system whose views are rebuilt @param from @param to around all events, Unix milliseconds @throws Error */
export async function look(nodes: readonly LookedAt[], system: string, from: number, to: number): Promise<Looked> {
  const ranges = rangesAround(from, to);
  const paths = [...symbols.map(symbolPath), ...ranges.map(rangePath)];
  const shown = new Map<string, Map<string, string>>();
  let reads = 0;
  const readAll = async ({ name, url }: LookedAt, when: string, limitMs: number): Promise<void> => {
    for (const path of paths) {
      const text = await read(new URL(path, url), limitMs);
      reads += 1;
      const answers = shown.get(path) ?? new Map<string, string>();
      if (!answers.has(text)) answers.set(text, `${name} ${when}`);
      shown.set(path, answers);
    }
  };
  for (const node of nodes) await readAll(node, 'after its last start', catchUpLimitMs);
  const [first] = nodes;
  if (!first) return { ranges, shown, reads };
  const rebuild = { isOver: false };
  const rebuilt = first.runCommand(['views', 'rebuild', system]).finally(() => (rebuild.isOver = true));
  const readMeanwhile = async (): Promise<void> => {
    do await readAll(first, 'while its views were rebuilt', 0);
    while (!rebuild.isOver);
  };
  await Promise.all([rebuilt, readMeanwhile()]);
  for (const node of nodes) await readAll(node, 'after the rebuild of its views', catchUpLimitMs);
  return { ranges, shown, reads };
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Days, minutes within the time in which events came, all of it, and nothing. */
function rangesAround(from: number, to: number): readonly Range[] {
  const minutes = Math.min(5, Math.floor(to / minuteMs) - Math.floor(from / minuteMs) + 1);
  const single = Array.from({ length: minutes }, (_, i) => from + i * minuteMs);
  return [
    allTime,
    { lower: day(from), upper: day(to + dayMs) },
    { lower: day(from - 3650 * dayMs), upper: minute(from + minuteMs) },
    { lower: minute(to), upper: day(to + 3650 * dayMs) },
    { lower: day(from - dayMs), upper: day(from) },
    { lower: minute(from), upper: minute(from) },
    ...single.map((ms) => ({ lower: minute(ms), upper: minute(ms + minuteMs) })),
  ];
}

/** @throws Error where there is no answer within the limit */
async function read(url: URL, limitMs: number): Promise<string> {
  for (const endMs = Date.now() + limitMs; ; await sleep(retryAfterMs)) {
    const response = await fetch(url);
    const text = await response.text();
    if (response.status === 200) return text;
    if (response.status !== 503 || Date.now() >= endMs)
      throw new Error(`${url.pathname} answered ${response.status} ${text.slice(0, 200)}`);
  }
}
