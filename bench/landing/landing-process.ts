/** The log and its processors in a process of their own, without a server. */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Landing } from '../../src/engine/landing.ts';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { openEngineLogReader } from '../../src/engine/engine.ts';
import { loadConverter } from '../../src/engine/load-converter.ts';
import type { LogReader, TopicPartition } from '../../src/log/log.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { answerParent } from '../child.ts';
import { generatePackages } from '../generated-packages.ts';
import { benchConfig, type BenchSettings, loadApp, openBenchEngine, openIngest } from '../parts.ts';

interface Where {
  readonly system: string;
  readonly dataDir: string;
  /** Default: all is embedded. */
  readonly env?: BenchSettings;
}

/** What is in the log. */
interface Full extends Where {
  readonly rows: number;
}

const packageEvents = 500;
/** That fill the log at once. */
const producers = 8;
const pollMs = 5;
/** As `read-batch.ts` has it. */
const pageBytes = 128 * 1024;

let close = (): Promise<void> => Promise.resolve();

/** Fills the log with about so many valid events; answers how many. */
async function fill({ system, dataDir, env, events }: Where & { readonly events: number }): Promise<number> {
  const parts = await openBenchEngine(system, dataDir, env);
  const ingest = await openIngest(parts, parts.engine.log);
  const packages = Math.ceil(events / packageEvents);
  const texts = generatePackages(parts.app, packages, packageEvents).values();
  const send = async (): Promise<void> => {
    for (const text of texts) {
      const incoming = { splitter: splitJson(), onNotJson: 'refuse-package', idempotencyKey: undefined } as const;
      await ingest.receive({ ...incoming, body: () => bodyOf(text) });
    }
  };
  await Promise.all(Array.from({ length: producers }, send));
  return packages * packageEvents;
}

async function* bodyOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

/**
 * Lands the whole log in empty sinks; the warehouse stays up until `stop`. Answers the seconds from the moment when it was up and the
 * partitions were this process's.
 */
async function land({ system, dataDir, env, rows: total }: Full): Promise<number> {
  const { state, objects } = dataPaths(dataDir);
  for (const dir of [state, objects]) await rm(dir, { recursive: true, force: true });
  const { app, config, engine } = await openBenchEngine(system, dataDir, env);
  const { name } = app.pipeline;
  const progress = { rows: 0, startedMs: 0, endedMs: 0, failure: undefined as unknown };
  const landing = Landing.start({
    config,
    engine,
    codecs: createCodecs(engine.registry),
    converter: await loadConverter(config),
    pipelines: [app.pipeline],
    logger: createLogger({ level: 'warn' }),
    observe: (consumer) => ({
      landed: (_at, outcome) => {
        if (consumer !== name) return;
        progress.rows += outcome.landed;
        progress.endedMs = performance.now();
      },
      failed: (_at, error) => (progress.failure ??= error),
      halted: (_at, error) => (progress.failure ??= error),
      noticed: () => undefined,
      replayed: () => undefined,
      assigned: (_topic, { length }) => {
        if (consumer === name && length > 0) progress.startedMs ||= performance.now();
      },
      unassigned: (_topic, error) => (progress.failure ??= error),
    }),
  });
  close = async () => {
    await landing.drain();
    await engine.log.close();
    await engine.state.close();
    await engine.views.close();
  };
  while (progress.rows < total && progress.failure === undefined) await sleep(pollMs);
  if (progress.failure !== undefined) throw progress.failure;
  return (progress.endedMs - progress.startedMs) / 1000;
}

/** All partitions at once, by pages as the processor reads them, and nothing more. Answers the seconds. */
async function readThrough({ system, dataDir, env, rows }: Full): Promise<number> {
  const config = benchConfig(system, dataDir, env);
  const { name: topic } = (await loadApp(config)).pipeline.topic;
  const log = await openEngineLogReader(config);
  const partitions = (await log.topics()).find(({ name }) => name === topic)?.partitions ?? 0;
  const startedMs = performance.now();
  const counts = Array.from({ length: partitions }, (_, partition) => countRecords(log, { topic, partition }));
  const read = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  const seconds = (performance.now() - startedMs) / 1000;
  await log.close();
  if (read !== rows) throw new Error(`${read} records were read of ${rows}`);
  return seconds;
}

async function countRecords(log: LogReader, at: TopicPartition): Promise<number> {
  const { start, end } = await log.range(at);
  let count = 0;
  for (let next = start; next < end;) {
    const page = await log.read(at, next, { maxBytes: pageBytes });
    count += page.records.length;
    next = page.next;
  }
  return count;
}

const methods = { fill, land, readThrough, stop: () => close() };
export type LandingMethods = typeof methods;
answerParent(methods);
