/**
 * Views over millions of events that stand in the log: how fast the command makes them of it, and what a symbol's summary and a range of
 * ten years then take over HTTP, one read after the other. Of the fewer events of ten years also how fast the process makes them that answers
 * from them, and the command then beside it, which includes deleting what was there before.
 */
import { join } from 'node:path';
import type { PartOptions } from '../bench.ts';
import { Child } from '../child.ts';
import { readMemory } from '../process-memory.ts';
import type { Latencies, LoadMethods } from './load-process.ts';
import type { FillOptions, TimeRange, ViewsMethods } from './views-process.ts';

export interface ViewsMeasure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'events/s';
  readonly goal: number | undefined;
  /** Else the value must be below the goal. */
  readonly isAtLeast: boolean;
  readonly met: boolean;
  readonly note: string;
}

export interface ViewsResult {
  readonly events: number;
  readonly measures: readonly ViewsMeasure[];
  /** Of the process that has made the views of ten years, mapped pages of its files included. */
  readonly peakRssBytes: number | undefined;
  readonly met: boolean;
  readonly sound: boolean;
}

const usualEvents = 10_000_000;
const quickEvents = 20_000;
const reads = { usual: 5_000, quick: 200 };
const goals = { rebuildPerSecond: 500_000, summaryMs: 1, rangeMs: 10 };
/** Of a busy system: each minute has many. */
const day: TimeRange = { lower: '2025-12-31', upper: '2026-01-01' };
/** Of a quiet one, and a tenth of them: nearly each is alone in its minute, and the state as large as it can be. */
const tenYears: TimeRange = { lower: '2016-01-01', upper: '2026-01-01' };

export async function benchViews(options: PartOptions): Promise<ViewsResult> {
  const events = options.quick ? quickEvents : (options.events ?? usualEvents);
  const busy = await measure(options, { name: 'a day', events, within: day, isMadeFirst: false });
  const tenth = Math.ceil(events / 10);
  const quiet = await measure(options, { name: 'ten years', events: tenth, within: tenYears, isMadeFirst: true });
  const measures = [
    rate('rebuilt, events of a day', busy.rebuiltPerSecond, goals.rebuildPerSecond),
    latency("a symbol's summary, p99", busy.summary, goals.summaryMs),
    rate('made at first, a tenth as many of ten years', quiet.madePerSecond, undefined),
    rate('rebuilt beside, the same', quiet.rebuiltPerSecond, undefined),
    latency('a range of those ten years, p99', quiet.range, goals.rangeMs),
  ];
  return {
    events,
    measures,
    peakRssBytes: quiet.peakRssBytes,
    met: measures.every(({ met }) => met),
    sound: true, // a count that is not that of the events ends the run
  };
}

interface Measured {
  readonly madePerSecond: number;
  readonly rebuiltPerSecond: number;
  readonly summary: Latencies;
  readonly range: Latencies;
  readonly peakRssBytes: number | undefined;
}

interface Measuring extends Pick<FillOptions, 'events' | 'within'> {
  readonly name: string;
  /** By the process that answers from them, which takes several times as long as the command. */
  readonly isMadeFirst: boolean;
}

async function measure(
  { system, dir, quick, onStep }: PartOptions,
  { name, events, within, isMadeFirst }: Measuring,
): Promise<Measured> {
  const child = new Child<ViewsMethods>(join(import.meta.dirname, 'views-process.ts'));
  const load = new Child<LoadMethods>(join(import.meta.dirname, 'load-process.ts'));
  try {
    onStep(`views, filling a log with ${events} events of ${name}`);
    await child.call('fill', { system, dataDir: join(dir, name.replace(' ', '-')), events, within });
    const begun = isMadeFirst ? await make(child, onStep) : undefined;
    const peakRssBytes = (await readMemory(child.pid))?.peakRssBytes;
    onStep('views, by the command');
    const rebuiltSeconds = await child.call('rebuild', undefined);
    const { url, seconds } = begun ?? (await make(child, onStep));
    onStep('views, read');
    const count = quick ? reads.quick : reads.usual;
    const rangePath = `/dashboard/range/${within.lower}/${within.upper}`;
    await checkCount(url + rangePath, await child.call('initials', undefined));
    return {
      madePerSecond: events / seconds,
      rebuiltPerSecond: events / rebuiltSeconds,
      summary: await load.call('read', { url, path: '/dashboard/symbol/e', count }),
      range: await load.call('read', { url, path: rangePath, count }),
      peakRssBytes,
    };
  } finally {
    await Promise.all([child, load].map((one) => one.stop()));
  }
}

/** Answers when the process has all of the log in its views. */
async function make(child: Child<ViewsMethods>, onStep: PartOptions['onStep']) {
  onStep('views, made of it by who answers from them');
  const url = await child.call('serve', undefined);
  return { url, seconds: await child.call('made', undefined) };
}

/** @throws Error where the view has not counted each initial once */
async function checkCount(url: string, initials: number): Promise<void> {
  const rows = (await (await fetch(url)).json()) as readonly { readonly count: number }[];
  const counted = rows.reduce((sum, { count }) => sum + count, 0);
  if (counted !== initials) throw new Error(`${url} counts ${counted} initials of ${initials}`);
}

function rate(name: string, value: number, goal: number | undefined): ViewsMeasure {
  return { name, value, unit: 'events/s', goal, isAtLeast: true, met: goal === undefined || value >= goal, note: '' };
}

function latency(name: string, { p50Ms, p99Ms }: Latencies, goal: number): ViewsMeasure {
  const note = `p50 ${p50Ms.toFixed(2)} ms`;
  return { name, value: p99Ms, unit: 'ms', goal, isAtLeast: false, met: p99Ms < goal, note };
}
