/**
 * The composition root: puts the parts together as the configuration says, and takes them apart again in the order that
 * keeps every promise (D8): no new requests, those in flight answered, batches in hand landed, then the engine closed.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Access } from './access/access.ts';
import { isLoopback } from './access/loopback.ts';
import { openAccess } from './access/open-access.ts';
import { Certificate } from './api/certificate.ts';
import { guard } from './api/guard.ts';
import { announceServer, forgetServer, reachableHost } from './api/running-server.ts';
import { mountDeadLetters } from './api/admin/dead-letters.ts';
import { mountReplays } from './api/admin/replays.ts';
import { mountRoutes } from './api/app-routes/mount-routes.ts';
import { mountStatus } from './api/admin/status.ts';
import { mountTrail } from './api/admin/trail.ts';
import { mountRegistryElsewhere } from './api/registry/registry-elsewhere.ts';
import { mountRegistry } from './api/registry/registry-routes.ts';
import { mountOpenApi } from './api/openapi/openapi-routes.ts';
import { createServer, type Health } from './api/server.ts';
import { mountTopics } from './api/topics.ts';
import type { Config } from './config/config.ts';
import { packageVersion } from './config/package-root.ts';
import { Letters } from './dead-letters/letters.ts';
import { repairsTopic } from './dead-letters/repair.ts';
import { Repairs } from './dead-letters/repairs.ts';
import { createTryEvent } from './dead-letters/try-event.ts';
import { diskSpace } from './engine/disk-space.ts';
import { closeRegistry, dataPaths, type Engine, openEngine } from './engine/engine.ts';
import { consumersOf, Landing } from './engine/landing.ts';
import { loadApps } from './engine/load-apps.ts';
import { registerSchemas } from './engine/register-schemas.ts';
import { keepRetention } from './engine/retention.ts';
import { standsOn } from './engine/stands-on.ts';
import { Fault, isFault } from './errors.ts';
import { createPackageIds } from './event/correlation-id.ts';
import { createMicrosecondClock } from './event/microsecond-clock.ts';
import { Budget } from './ingest/budget.ts';
import { EventIngest } from './ingest/event-ingest.ts';
import { Idempotency, idempotencyTopic } from './ingest/idempotency.ts';
import { Ingest } from './ingest/ingest.ts';
import { Patience } from './ingest/patience.ts';
import type { TopicSpec } from './log/log.ts';
import { readTopicList } from './log/topic-list.ts';
import type { App } from './pipeline/app.ts';
import { pipelinesOf } from './pipeline/apps.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { keyedPaths } from './pipeline/source-paths.ts';
import { type Consumer, type LagRow, readLag } from './processing/lag.ts';
import { Replays } from './processing/replays.ts';
import { noteOpening } from './processing/opening.ts';
import { pipelineConverter } from './processing/convert.ts';
import { type VoidPackages, withoutVoid } from './processing/void-packages.ts';
import { type Codecs, createCodecs } from './schemas/codecs.ts';
import { Batches } from './sources/bulk/batches.ts';
import { mountBulk } from './sources/bulk/bulk-routes.ts';
import { mountHttpSource } from './sources/http/http-source.ts';
import { mountRequestSource } from './sources/http/request-source.ts';
import { traceRequests } from './sources/http/trace-requests.ts';
import { openReadOnlyQueries, type ReadOnlyQueries } from './stores/warehouse/read-only-queries.ts';
import type { Warehouse } from './stores/warehouse/warehouse.ts';
import { bulkObserver } from './telemetry/bulk-observer.ts';
import { eventCounts } from './telemetry/event-counts.ts';
import { addLiveGauges } from './telemetry/live-gauges.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { openTraces } from './telemetry/open-traces.ts';
import { readsObserver } from './telemetry/reads-observer.ts';
import { registryObserver } from './telemetry/registry-observer.ts';
import { processorObserver } from './telemetry/processor-observer.ts';
import { viewsObserver } from './telemetry/views-observer.ts';
import type { Traces } from './telemetry/tracing.ts';
import { Views } from './views/views.ts';

export interface Running {
  readonly url: string;
  /** Unready at once; after `drainGraceMs` finishes what is in flight, lands what is in hand, and closes everything (D8). */
  drain(): Promise<void>;
}

interface Parts {
  readonly config: Config;
  readonly engine: Engine;
  readonly apps: readonly App[];
  /** Theirs. */
  readonly pipelines: readonly Pipeline[];
  /** Of all pipelines of the configuration, also those that do not run here (`only`): the log keeps what they have not landed. */
  readonly consumers: readonly Consumer[];
  readonly codecs: Codecs;
  readonly idempotency: Idempotency;
  readonly repairs: Repairs;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly access: Access;
  readonly certificate: Certificate | undefined;
  /** Undefined where no exporter is configured. */
  readonly traces: Traces | undefined;
  readonly closeEngine: () => Promise<void>;
}

/** Resolves when events are taken. The warehouse may come up later: until then events wait in the log. */
export async function serve(config: Config): Promise<Running> {
  const logger = createLogger({ level: config.logLevel });
  const apps = await loadApps(config);
  const pipelines = pipelinesOf(apps);
  const access = await openGuarded(config, apps.flatMap(keyedPaths), logger);
  const certificate = await openCertificate(config, logger);
  const metrics = createMetrics();
  const onSpans = (outcome: string, spans: number): void => metrics.spans.inc({ outcome }, spans);
  const traces = await openTraces(config.traces, { logger, onSpans, version: packageVersion() });
  const onFlushed = (seconds: number): void => metrics.logFlushSeconds.observe(seconds);
  const engine = await openEngine(config, { onFlushed, registry: registryObserver(logger) });
  let stopRegistering: (() => Promise<void>) | undefined;
  const close = async (): Promise<void> => {
    await stopRegistering?.();
    await closeEngine(engine);
  };
  try {
    await forgetServer(dataPaths(config.dataDir).server);
    stopRegistering = await registerSchemas({ dir: config.schemasDir, registry: engine.registry, logger });
    await prepare(engine, config, pipelines);
    const onUnnoted = (error: unknown): void => logger.error({ err: error }, 'lag is told before sinks are opened');
    // Where several nodes share a topic, it would be told of partitions that another one has opened long ago.
    if (!config.kafkaBrokers) await noteOpening(engine, consumersOf(pipelines)).catch(onUnnoted);
    const codecs = createCodecs(engine.registry);
    const onError = (error: unknown): void => logger.error({ err: error }, 'the view of idempotency keys is behind');
    const idempotency = await Idempotency.open({ log: engine.log, views: engine.views, onError });
    const onLate = (error: unknown): void => logger.error({ err: error }, 'the statuses of dead letters are behind');
    const repairs = await Repairs.open({ log: engine.log, state: engine.state, onError: onLate });
    const running = await run({
      config,
      engine,
      apps,
      pipelines,
      consumers: consumersOf(pipelinesOf(await loadApps({ pipelines: config.pipelines }))),
      codecs,
      idempotency,
      repairs,
      logger,
      metrics,
      access,
      certificate,
      traces,
      closeEngine: close,
    });
    logger.info(standsOn(config), 'stands on');
    return running;
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws Fault ACCESS_NOT_SET_UP, CONFIG_INVALID */
async function openGuarded(config: Config, keyed: readonly string[], logger: Logger): Promise<Access> {
  const { host, dataDir, adminToken, adminTokenFile } = config;
  const access = await openAccess({ host, keysDir: dataPaths(dataDir).keys, adminToken, adminTokenFile, logger });
  access.checkExposure(keyed);
  return access;
}

/** @throws Fault TLS_INVALID */
async function openCertificate({ tls }: Config, logger: Logger): Promise<Certificate | undefined> {
  if (tls === undefined) return undefined;
  return Certificate.open({
    ...tls,
    onReload: () => logger.info('the certificate was replaced'),
    onError: (error) => logger.error({ err: error }, 'the certificate is the one before'),
  });
}

/** Topics as the project's files have them. @throws Fault SCHEMA_UNKNOWN where the schema of a pipeline is not there */
async function prepare(engine: Engine, config: Config, pipelines: readonly Pipeline[]): Promise<void> {
  for (const { schema } of pipelines) await engine.registry.latest(schema.subject);
  const listed = await readTopicList(config.topicsFile);
  const needed = pipelines.flatMap(({ topic, deadLetterTopic }) => [topic.name, deadLetterTopic]);
  const unlisted = needed.filter((name) => !listed.some((topic) => topic.name === name));
  const topics: readonly TopicSpec[] = [
    ...listed,
    ...unlisted.map((name) => ({ name, partitions: 1 })),
    idempotencyTopic,
    repairsTopic,
  ];
  await engine.log.ensureTopics(topics);
}

async function run(parts: Parts): Promise<Running> {
  const { config, engine, pipelines, codecs, idempotency, repairs, logger, metrics, access, certificate, traces } =
    parts;
  const observe = (consumer: string, sinks: readonly string[]) =>
    processorObserver({ consumer, sinks, logger, metrics });
  const landing = Landing.start({ config, engine, codecs, pipelines, logger, observe, traces, voids: voidsOf(parts) });
  const views = await startViews(parts);
  const queries = openReadOnlyQueries(() => landing.warehouse);
  const health = (): Promise<Health> => checkHealth(parts, landing);
  const server = createServer({ logger, metrics: metrics.registry, health, certificate });
  if (traces) traceRequests(server, traces);
  guard(server, access);
  mountTopics(server, { log: engine.log, consumed: consumersOf(pipelines).map(({ topic }) => topic) });
  mountOwnRegistry(server, parts);
  const budget = new Budget(config.ingest.maxInFlightBytes);
  mountSources(server, parts, budget);
  mountBatches(server, parts, warehouseOf(landing));
  mountAdmin(server, parts, budget, landing);
  tellHowItIs(server, parts, { health, budget, landing, queries });
  const stopRetention = keepRetention({
    log: engine.log,
    state: engine.state,
    views: engine.views,
    consumers: parts.consumers,
    alsoKeep: () => [idempotency.progress(), repairs.progress()],
    retentionMs: config.log.retentionHours * 3_600_000,
    retentionBytes: config.log.retentionBytes,
    logger,
  });
  const { server: serverFile } = dataPaths(config.dataDir);
  const close = async (): Promise<void> => {
    await forgetServer(serverFile);
    await server.close();
    await stopRetention();
    await views.drain();
    await queries.close();
    await landing.drain();
    await idempotency.close();
    await repairs.close();
    await access.close();
    await certificate?.close();
    await parts.closeEngine();
    await traces?.close();
  };
  try {
    const answering = { read: views.read, sql: queries.sql, onAnswered: readsObserver(metrics) };
    for (const { routes = [] } of parts.apps) await mountRoutes(server, { routes, logger, ...answering });
    await server.listen({ port: config.port, host: config.host });
    await announceServer(serverFile, urlOf(server, { ...config, host: reachableHost(config.host) }));
  } catch (error) {
    await close();
    throw error;
  }
  const drain = async (): Promise<void> => {
    server.turnUnready();
    await sleep(config.drainGraceMs);
    await close();
  };
  return { url: urlOf(server, config), drain };
}

interface Told {
  readonly health: () => Promise<Health>;
  readonly budget: Budget;
  readonly landing: Landing;
  readonly queries: ReadOnlyQueries;
}

function tellHowItIs(server: FastifyInstance, parts: Parts, { health, budget, landing, queries }: Told): void {
  const { config, engine, pipelines, metrics } = parts;
  const lag = (): Promise<readonly LagRow[]> => measureLag(engine, pipelines);
  const names = pipelines.map(({ name }) => name);
  mountStatus(server, {
    health,
    lag,
    events: () => eventCounts(metrics, names),
    queue: () => ({ bytes: budget.heldBytes, maxBytes: config.ingest.maxInFlightBytes }),
    disk: () => diskSpace(config.dataDir),
  });
  const ingestBytes = (): number => budget.heldBytes;
  addLiveGauges(metrics.registry, { lag, ingestBytes, pool: () => landing.warehouse?.pool, readPool: queries.pool });
}

function startViews(parts: Parts): Promise<Views> {
  const { engine, pipelines, codecs, logger, metrics } = parts;
  return Views.start({
    log: engine.log,
    store: engine.views,
    pipelines,
    convert: (pipeline) => withoutVoid(pipelineConverter(pipeline, codecs), voidsOf(parts)),
    observe: (consumer) => viewsObserver({ consumer, logger, metrics }),
  });
}

function mountOwnRegistry(server: FastifyInstance, { engine: { registry }, logger }: Parts): void {
  if ('administration' in registry) mountRegistry(server, { registry: registry.administration, logger });
  else mountRegistryElsewhere(server, { address: registry.address, logger });
}

function mountSources(server: FastifyInstance, parts: Parts, budget: Budget): void {
  const { config, engine, pipelines, codecs, idempotency, logger, metrics } = parts;
  const patience = new Patience(config.ingest.waitForRoomMs);
  const nextPackage = createPackageIds({ now: Date.now });
  const clock = createMicrosecondClock();
  for (const pipeline of pipelines) {
    const onDefect = (error: unknown, correlationId: string): void =>
      logger.error(
        { err: error, pipeline: pipeline.name, correlationId },
        'a normaliser failed; the event is a dead letter',
      );
    const into = { pipeline, log: engine.log, codecs, budget, patience, idempotency, nextPackage };
    const about = { bodyIdleTimeoutMs: config.ingest.bodyIdleTimeoutMs, logger, metrics };
    if (pipeline.source.kind === 'http')
      mountHttpSource(server, { ingest: new Ingest({ ...into, onDefect }), ...about });
    else mountRequestSource(server, { ingest: new EventIngest(into), clock, ...about });
  }
}

function mountBatches(
  server: FastifyInstance,
  { apps, config, logger, metrics }: Parts,
  warehouse: () => Promise<Warehouse>,
): void {
  const { bodyIdleTimeoutMs } = config.ingest;
  for (const { bulk } of apps) {
    if (!bulk) continue;
    const batches = new Batches(bulk, warehouse, bulkObserver(bulk.name, metrics, logger));
    mountBulk(server, { batches, bodyIdleTimeoutMs, logger });
  }
}

/** Rejects while it is not up. */
function warehouseOf(landing: Landing): () => Promise<Warehouse> {
  return async () => {
    if (landing.warehouse) return landing.warehouse;
    throw new Fault('WAREHOUSE_UNAVAILABLE', 'the warehouse is not up yet');
  };
}

function mountAdmin(server: FastifyInstance, parts: Parts, budget: Budget, landing: Landing): void {
  const { config, engine, apps, pipelines, codecs, repairs, logger, metrics } = parts;
  const { log, state, objects } = engine;
  const voids = voidsOf(parts);
  const letters = new Letters({ log, statuses: repairs, pipelines, objects, voids });
  const onDefect = (error: unknown, correlationId: string): void =>
    logger.error({ err: error, correlationId }, 'a function of a pipeline failed; the event is refused');
  const onReplayed = (pipeline: string, events: number): void => metrics.eventsIngested.inc({ pipeline }, events);
  const tryEvent = createTryEvent({ codecs, onDefect });
  const patience = new Patience(config.ingest.waitForRoomMs);
  const replay = { log, letters, repairs, pipelines, tryEvent, budget, patience, onReplayed };
  mountDeadLetters(server, { replay, logger });
  const warehouse = warehouseOf(landing);
  const onAsked = (pipeline: string): void => landing.replay(pipeline);
  mountReplays(server, new Replays({ log, state, pipelines, onAsked }));
  const isRegistryElsewhere = !('administration' in engine.registry);
  const routes = apps.flatMap((app) => app.routes ?? []);
  const bulks = apps.flatMap(({ bulk }) => bulk ?? []);
  const described = { sources: pipelines, bulks, routes, isLoopback: isLoopback(config.host), isRegistryElsewhere };
  mountOpenApi(server, { version: packageVersion(), ...described });
  mountTrail(server, { log, state, statuses: repairs, letters, voids, pipelines, codecs, objects, warehouse });
}

/** Where only this process appends, no package is ever void. */
function voidsOf({ engine, idempotency }: Parts): VoidPackages | undefined {
  return engine.log.writtenEnd && idempotency;
}

async function checkHealth({ engine: { log }, apps, pipelines }: Parts, landing: Landing): Promise<Health> {
  const room = await log.room(AbortSignal.timeout(250)).then(
    () => undefined,
    (error: Error) => error.message,
  );
  const asksWarehouse = apps.some(({ bulk, routes }) => bulk ?? routes);
  const isOpen = !asksWarehouse || landing.hasOpened(pipelines.length > 0);
  const parts = { log: room ?? 'takes events', warehouse: landing.warehouseHealth };
  return { ready: room === undefined && isOpen, parts };
}

/**
 * From what is kept, so that it is told of processors that have not begun, too. Damage is told by who meets it, and so is a log or
 * a state that is out of reach: nothing is known of it then.
 */
async function measureLag(engine: Engine, pipelines: readonly Pipeline[]): Promise<readonly LagRow[]> {
  try {
    return await readLag(engine, consumersOf(pipelines), Date.now(), NaN);
  } catch (error) {
    if (isFault(error, 'LOG_UNAVAILABLE') || isFault(error, 'STATE_UNAVAILABLE')) return [];
    throw error;
  }
}

async function closeEngine({ log, state, views, registry }: Engine): Promise<void> {
  await log.close();
  await state.close();
  await views.close();
  await closeRegistry(registry);
}

function urlOf(server: FastifyInstance, { host, tls }: Config): string {
  const { port } = server.server.address() as AddressInfo;
  const shown = host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
