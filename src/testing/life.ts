/**
 * One life of a process that runs a pipeline: the real log, keyed state, registry, objects, ingest, server and processors,
 * put together as `main.ts` does it, with calls between them that may go wrong. It ends by a drain or by a crash; what it
 * leaves behind is what the next life finds.
 */
import type { FastifyInstance } from 'fastify';
import '../api/guard.ts'; // declares what sources find in a request
import { createServer, type Health } from '../api/server.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { dataPaths } from '../engine/data-paths.ts';
import { type Engine } from '../engine/engine.ts';
import { Landing } from '../engine/landing.ts';
import { createPackageIds } from '../event/correlation-id.ts';
import { createMicrosecondClock } from '../event/microsecond-clock.ts';
import type { Timestamp } from '../event/time.ts';
import { Budget } from '../ingest/budget.ts';
import { EventIngest } from '../ingest/event-ingest.ts';
import { Idempotency } from '../ingest/idempotency.ts';
import { idempotencyTopic } from '../ingest/key-view.ts';
import { Ingest } from '../ingest/ingest.ts';
import { Patience } from '../ingest/patience.ts';
import { openSegmentLog } from '../log/segments/segment-log.ts';
import type { FileSource as FileSourceDefinition, Pipeline } from '../pipeline/pipeline.ts';
import { createCodecs } from '../schemas/codecs.ts';
import { openFileRegistry } from '../schemas/file-registry.ts';
import { loadSchemaFiles } from '../schemas/schema-files.ts';
import { FileMemory, filesTopic } from '../sources/files/file-memory.ts';
import { FileReader } from '../sources/files/file-reader.ts';
import { FileSource, type FileSourceOptions } from '../sources/files/file-source.ts';
import { mountHttpSource } from '../sources/http/http-source.ts';
import { mountRequestSource } from '../sources/http/request-source.ts';
import { openDirectoryStore } from '../stores/objects/directory-store.ts';
import { openLmdbStore } from '../stores/state/lmdb-store.ts';
import { pipelineConverter } from '../processing/convert.ts';
import { Views, type ViewsObserver } from '../views/views.ts';
import { createLogger } from '../telemetry/logger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { type Connections, openConnections } from './connections.ts';
import { type InjectedFault, type PartCalls, partCalls } from './faults.ts';
import { faultyLog, faultySink, faultyState } from './faulty-parts.ts';
import { Landed } from './landed.ts';
import { inRun, TakenFiles } from './put-files.ts';

export interface LifeOptions {
  readonly pipeline: Pipeline;
  readonly schemasDir: string;
  readonly now: () => number;
  /** The data directory. */
  readonly dir: string;
  readonly databaseUrl: string;
  readonly faults: readonly InjectedFault[];
}

export interface Life {
  /** The real parts, without faults. */
  readonly engine: Engine;
  readonly server: FastifyInstance;
  readonly calls: PartCalls;
  readonly landed: Landed;
  readonly views: Views;
  /** Of a pipeline that takes files. */
  readonly takenFiles: TakenFiles;
  /** Finishes what is in hand (D8). */
  drain(): Promise<void>;
  /** The process is gone: connections are cut, locks released, nothing that was under way comes back. */
  crash(): Promise<void>;
}

/** Small: nothing is measured here, and a segment file is made at each start. */
const segmentBytes = 1024 * 1024;
/** A test waits for its events, not for more of them to come. */
const flushIntervalMs = 1;

/** @throws Fault USAGE, and those of schemas */
export async function startLife(options: LifeOptions): Promise<Life> {
  const calls = partCalls(options.pipeline, options.faults);
  const config = configOf(options);
  const engine = await openParts(options);
  try {
    await prepare(engine, options);
    return await run(options, { calls, config, engine });
  } catch (error) {
    await closeParts(engine);
    throw error;
  }
}

function configOf({ dir, schemasDir, databaseUrl }: LifeOptions): Config {
  const config = loadConfig({ env: {}, flags: { dataDir: dir }, workingDir: dir });
  return { ...config, schemasDir, databaseUrl };
}

async function openParts({ dir, now }: LifeOptions): Promise<Engine> {
  const paths = dataPaths(dir);
  const log = await openSegmentLog({ dir: paths.log, segmentBytes, minFreeBytes: 0, now });
  const state = await openLmdbStore({ dir: paths.state, minFreeBytes: 0, now });
  const registry = await openFileRegistry({ dir: paths.registry });
  return { log, state, views: state, registry, objects: await openDirectoryStore({ dir: paths.objects }) };
}

async function prepare({ log, registry }: Engine, { pipeline, schemasDir }: LifeOptions): Promise<void> {
  await loadSchemaFiles({ dir: schemasDir, registry });
  await registry.latest(pipeline.schema.subject);
  const names = [pipeline.topic.name, pipeline.deadLetterTopic];
  await log.ensureTopics([...names.map((name) => ({ name, partitions: 1 })), idempotencyTopic, filesTopic]);
}

interface Parts {
  readonly calls: PartCalls;
  readonly config: Config;
  readonly engine: Engine;
}

async function run(options: LifeOptions, { calls, config, engine }: Parts): Promise<Life> {
  const { log, state, registry, objects } = engine;
  const pipeline = withoutWaiting(options.pipeline);
  const logger = createLogger({ level: 'silent' });
  const codecs = createCodecs(registry);
  const landed = new Landed({ engine, pipeline, crashed: calls.crashed });
  const onError = (error: unknown): void => landed.failed(error);
  const idempotency = await Idempotency.open({ log, views: state, onError, now: options.now });
  const faulty = { log: faultyLog(log, calls.log), state: faultyState(state, calls.checkpoint) };
  const metrics = createMetrics();
  const server = createServer({ logger, metrics: metrics.registry, health: alwaysReady });
  const budget = new Budget(config.ingest.maxInFlightBytes);
  const patience = new Patience(config.ingest.waitForRoomMs);
  const nextPackage = createPackageIds({ now: options.now });
  const into = { pipeline, log: faulty.log, codecs, budget, patience, idempotency, nextPackage };
  const about = { bodyIdleTimeoutMs: config.ingest.bodyIdleTimeoutMs, logger, metrics };
  if (pipeline.source.kind === 'http')
    mountHttpSource(server, { ingest: new Ingest({ ...into, onDefect: onError }), ...about });
  if (pipeline.source.kind === 'requests')
    mountRequestSource(server, { ingest: new EventIngest(into), clock: clockOf(options), ...about });
  const takenFiles = new TakenFiles(calls.crashed);
  const reader = new FileReader();
  const files =
    pipeline.source.kind === 'files'
      ? await startFiles(pipeline.source, { ...into, engine, calls, landed, takenFiles, reader, dir: options.dir })
      : undefined;
  const connections = openConnections(options.databaseUrl);
  const landing = Landing.start({
    config,
    engine: { registry, objects, views: state, ...faulty },
    codecs,
    pipelines: [pipeline],
    logger,
    observe: (consumer) => landed.observer(consumer),
    openWarehouse: async () => connections.warehouse,
    aroundSink: (sink) => faultySink(sink, calls.sink(sink.name)),
  });
  const views = await Views.start({
    log: faulty.log,
    store: faultyState(state, calls.view),
    pipelines: [pipeline],
    convert: () => pipelineConverter(pipeline, codecs),
    observe: () => viewsObserverOf(landed),
    now: options.now,
  });
  const ends = endings({ calls, engine, server, files, reader, landing, views, idempotency, connections });
  return { engine, server, calls, landed, views, takenFiles, ...ends };
}

type FilesInto = Pick<
  FileSourceOptions,
  'pipeline' | 'log' | 'codecs' | 'budget' | 'patience' | 'nextPackage' | 'reader'
> &
  Pick<Life, 'engine' | 'calls' | 'landed' | 'takenFiles'> & { readonly dir: string };

function startFiles(source: FileSourceDefinition, into: FilesInto): Promise<FileSource> {
  const { engine, calls, landed, takenFiles, dir, log } = into;
  const state = faultyState(engine.state, calls.files);
  return FileSource.start({
    ...into,
    source: inRun(source),
    state,
    memory: new FileMemory(log, state),
    workingDir: dir,
    onDefect: (error) => landed.failed(error),
    observer: {
      taken: (files) => takenFiles.taken(files),
      passedOver: (file, why) => takenFiles.passedOver(file, why),
      notTakenAway: (_file, error) => landed.failed(error),
      failed: (error) => landed.failed(error),
      waiting: () => undefined,
    },
  });
}

/** Where the test tells the time, it tells the microseconds too: there are none. */
function clockOf({ now }: LifeOptions): () => Timestamp {
  return createMicrosecondClock(now === Date.now ? {} : { now, elapsedMs: now });
}

/** What a view is without fails the test that waits for it. */
function viewsObserverOf(landed: Landed): ViewsObserver {
  return {
    failed: (_at, error) => landed.failed(error),
    gone: () => undefined,
    skipped: (_at, _offset, error) => landed.failed(error),
    assigned: () => undefined,
    unassigned: (_topic, error) => landed.failed(error),
  };
}

function withoutWaiting(pipeline: Pipeline): Pipeline {
  const { process } = pipeline;
  return { ...pipeline, process: { ...process, batch: { ...process.batch, flushIntervalMs } } };
}

async function alwaysReady(): Promise<Health> {
  return { ready: true, parts: {} };
}

interface Ending {
  readonly calls: PartCalls;
  readonly engine: Engine;
  readonly server: FastifyInstance;
  readonly files: FileSource | undefined;
  readonly reader: FileReader;
  readonly landing: Landing;
  readonly views: Views;
  readonly idempotency: Idempotency;
  readonly connections: Connections;
}

function endings(parts: Ending): Pick<Life, 'drain' | 'crash'> {
  const { calls, engine, server, files, reader, landing, views, idempotency, connections } = parts;
  return {
    drain: async () => {
      await files?.drain();
      await reader.close();
      await server.close();
      await views.drain();
      await landing.drain();
      await idempotency.close();
      await closeParts(engine);
    },
    crash: async () => {
      calls.end();
      connections.cut();
      for (const part of [landing, views, files]) part?.drain().catch(() => undefined); // of a dead process: it hangs, or fails on what is closed
      await reader.close();
      await idempotency.close();
      await closeParts(engine);
    },
  };
}

async function closeParts({ log, state }: Engine): Promise<void> {
  await log.close();
  await state.close();
}
