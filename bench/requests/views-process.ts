/**
 * A log full of events of `signals`, and the views and dashboards over it, in a process of its own: the program's parts without sources and
 * processors.
 */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { execFile } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { mountRoutes } from '../../src/api/app-routes/mount-routes.ts';
import { createServer, type Health } from '../../src/api/server.ts';
import { inPackage } from '../../src/config/package-root.ts';
import { correlationId, createPackageIds } from '../../src/event/correlation-id.ts';
import { madeRecord } from '../../src/ingest/accepted-record.ts';
import { pipelineConverter } from '../../src/processing/convert.ts';
import { readLag } from '../../src/processing/lag.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { viewsObserver } from '../../src/telemetry/views-observer.ts';
import { viewConsumersOf, Views } from '../../src/views/views.ts';
import { answerParent } from '../child.ts';
import { type BenchEngine, openBenchEngine } from '../parts.ts';
import { forgetPeak } from '../process-memory.ts';
import { uuidOf } from './prebuilt.ts';

export interface FillOptions {
  readonly system: string;
  readonly dataDir: string;
  readonly events: number;
  /** Their times lie evenly within. */
  readonly within: TimeRange;
}

/** Dates: `lower <= time < upper`. */
export interface TimeRange {
  readonly lower: string;
  readonly upper: string;
}

const run = promisify(execFile);
const batchEvents = 1_000;
/** That fill the log at once. */
const writers = 4;
/** Three of five ask, under uuids of their own, and two of those come back: the first and the second. */
const turn = ['initial', 'initial', 'followup', 'initial', 'followup'] as const;
const backAfter: Readonly<Record<number, number>> = { 2: 2, 4: 3 };
const symbols = 'etaoinshrdlcumwfgypbvkjxqz';
const pollMs = 5;

const alwaysReady = (): Promise<Health> => Promise.resolve({ ready: true, parts: {} });

let bench: (BenchEngine & FillOptions) | undefined;
let startedMs = 0;

function opened(): BenchEngine & FillOptions {
  if (!bench) throw new Error('the log is not filled');
  return bench;
}

/** As the source of requests writes them. */
async function fill(options: FillOptions): Promise<void> {
  const parts = await openBenchEngine(options.system, options.dataDir);
  const { app, engine } = parts;
  const { pipeline } = app;
  const codec = await createCodecs(engine.registry).latest(pipeline.schema.subject);
  const nextPackage = createPackageIds({ now: Date.now });
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < options.events) {
      const batch = engine.log.batch();
      for (const end = Math.min(next + batchEvents, options.events); next < end; next++)
        batch.add(
          madeRecord(eventOf(next, options), {
            pipeline,
            codec,
            correlationId: correlationId(nextPackage(), 0),
          }),
        );
      await engine.log.append(batch);
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  bench = { ...parts, ...options };
  await forgetPeak(process.pid);
}

function eventOf(number: number, { events, within }: FillOptions): object {
  const place = number % turn.length;
  const kind = turn[place];
  const [fromMs, toMs] = [Date.parse(within.lower), Date.parse(within.upper)];
  const timeMs = fromMs + (number / events) * (toMs - fromMs);
  const micros = Math.floor((timeMs % 1) * 1000);
  const time = `${new Date(timeMs).toISOString().slice(0, 23)}${String(micros).padStart(3, '0')}Z`;
  if (kind === 'followup')
    return { uuid: uuidOf(number - (backAfter[place] ?? 0)), symbol: null, is_vowel: null, kind, time };
  return { uuid: uuidOf(number), symbol: symbols[number % symbols.length], is_vowel: true, kind, time };
}

function noWarehouse(): never {
  throw new Error('no warehouse is asked');
}

/** Answers its URL at once: the views are then being made. */
async function serve(): Promise<string> {
  const { app, engine } = opened();
  const logger = createLogger({ level: 'warn' });
  const metrics = createMetrics();
  const codecs = createCodecs(engine.registry);
  startedMs = performance.now();
  const views = await Views.start({
    log: engine.log,
    store: engine.views,
    pipelines: [app.pipeline],
    convert: (pipeline) => pipelineConverter(pipeline, codecs),
    observe: (consumer) => viewsObserver({ consumer, logger, metrics }),
  });
  const server = createServer({ logger, metrics: metrics.registry, health: alwaysReady });
  await mountRoutes(server, { routes: app.routes ?? [], read: views.read, sql: noWarehouse, logger });
  await server.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

/** Resolves when all of the log is in the views, on disk. Answers the seconds since they were begun. */
async function made(): Promise<number> {
  const { app, engine } = opened();
  const consumers = viewConsumersOf([app.pipeline]);
  for (;;) {
    const rows = await readLag(engine, consumers);
    if (rows.every(({ lag }) => lag === 0)) return (performance.now() - startedMs) / 1000;
    await sleep(pollMs);
  }
}

/** By the command, beside this process, which goes on answering. Answers the seconds of all of it. */
async function rebuild(): Promise<number> {
  const { app, dataDir } = opened();
  const program = inPackage('src/cli/program.ts');
  const beganAtMs = performance.now();
  await run(process.execPath, [program, 'views', 'rebuild', app.pipeline.name, '--data-dir', dataDir]);
  return (performance.now() - beganAtMs) / 1000;
}

/** How many initials there are. */
function initials(): number {
  const { events } = opened();
  const rest = turn.slice(0, events % turn.length).filter((kind) => kind === 'initial').length;
  return Math.floor(events / turn.length) * 3 + rest;
}

const methods = { fill, serve, made, rebuild, initials };
export type ViewsMethods = typeof methods;
answerParent(methods);
