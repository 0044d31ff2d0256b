/** The program's own parts, put together as `src/main.ts` does it, less what a benchmark leaves out. */
import { type Config, loadConfig } from '../src/config/config.ts';
import { type Engine, openEngine } from '../src/engine/engine.ts';
import { loadApps } from '../src/engine/load-apps.ts';
import { createPackageIds } from '../src/event/correlation-id.ts';
import { Budget } from '../src/ingest/budget.ts';
import { EventIngest } from '../src/ingest/event-ingest.ts';
import { Idempotency } from '../src/ingest/idempotency.ts';
import { idempotencyTopic } from '../src/ingest/key-view.ts';
import { Ingest } from '../src/ingest/ingest.ts';
import { Patience } from '../src/ingest/patience.ts';
import type { Log } from '../src/log/log.ts';
import { readTopicList } from '../src/log/topic-list.ts';
import type { EventApp } from '../src/pipeline/app.ts';
import { eventApp } from '../src/pipeline/apps.ts';
import { createCodecs } from '../src/schemas/codecs.ts';
import { loadSchemaFiles } from '../src/schemas/schema-files.ts';

export interface BenchEngine {
  readonly app: EventApp;
  readonly config: Config;
  readonly engine: Engine;
}

/** Settings by the names of their variables; nothing of the process's own environment is read. */
export type BenchSettings = Readonly<Record<string, string>>;

/** The engine alone: no server, no processors. */
export async function openBenchEngine(system: string, dataDir: string, env: BenchSettings = {}): Promise<BenchEngine> {
  const config = benchConfig(system, dataDir, env);
  const app = await loadApp(config);
  const engine = await openEngine(config);
  await loadSchemaFiles({ dir: config.schemasDir, registry: engine.registry });
  await engine.log.ensureTopics([...(await readTopicList(config.topicsFile)), idempotencyTopic]);
  return { app, config, engine };
}

/** @param env default: all is embedded */
export function benchConfig(system: string, dataDir: string, env: BenchSettings = {}): Config {
  return loadConfig({ env, flags: { dataDir, only: system } });
}

export async function loadApp(config: Config): Promise<EventApp> {
  const [app] = await loadApps(config);
  if (app === undefined) throw new Error('no system is configured');
  return eventApp(app);
}

/** Of packages. @param log the engine's, or one in its place */
export async function openIngest(parts: BenchEngine, log: Log): Promise<Ingest> {
  return new Ingest({ ...(await ingestOptions(parts, log)), onDefect: fail });
}

/** Of requests. @param log the engine's, or one in its place */
export async function openEventIngest(parts: BenchEngine, log: Log): Promise<EventIngest> {
  return new EventIngest(await ingestOptions(parts, log));
}

async function ingestOptions({ app, config, engine }: BenchEngine, log: Log) {
  return {
    pipeline: app.pipeline,
    log,
    codecs: createCodecs(engine.registry),
    budget: new Budget(config.ingest.maxInFlightBytes),
    patience: new Patience(config.ingest.waitForRoomMs),
    idempotency: await Idempotency.open({ log, views: engine.state, onError: fail }),
    nextPackage: createPackageIds({ now: Date.now }),
  };
}

function fail(error: unknown): never {
  throw error;
}
