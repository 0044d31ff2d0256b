/**
 * The composition root: puts the parts together as the configuration says, and takes them apart again in the order that
 * keeps every promise (D8): no new requests, those in flight answered, batches in hand landed, then the engine closed.
 */
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Access } from './access/access.ts';
import { openAccess } from './access/open-access.ts';
import { Certificate } from './api/certificate.ts';
import { announceServer, forgetServer, reachableHost } from './api/running-server.ts';
import { createServer, type Health } from './api/server.ts';
import type { Config } from './config/config.ts';
import { packageVersion } from './config/package-root.ts';
import { repairsTopic } from './dead-letters/repair.ts';
import { Repairs } from './dead-letters/repairs.ts';
import { checkFileSettings, filePipelines, FileSources } from './engine/file-sources.ts';
import { checkObjectFormats } from './engine/object-formats.ts';
import { dataPaths } from './engine/data-paths.ts';
import { closeEngine, type Engine, openEngine } from './engine/engine.ts';
import { checkHealth, tellHowItIs } from './engine/how-it-is.ts';
import { consumersOf, Landing } from './engine/landing.ts';
import { loadConverter } from './engine/load-converter.ts';
import { loadApps } from './engine/load-apps.ts';
import { mountServer } from './engine/mount-server.ts';
import { neededTopics } from './engine/needed-topics.ts';
import { type Parts, voidsOf } from './engine/parts.ts';
import { PullSchedules } from './engine/pull-schedules.ts';
import { registerSchemas } from './engine/register-schemas.ts';
import { keepRetention } from './engine/retention.ts';
import { standsOn } from './engine/stands-on.ts';
import { Budget } from './ingest/budget.ts';
import { Idempotency } from './ingest/idempotency.ts';
import { idempotencyTopic } from './ingest/key-view.ts';
import { pipelinesOf, pullsOf } from './pipeline/apps.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { keyedPaths } from './pipeline/source-paths.ts';
import { noteOpening } from './processing/opening.ts';
import { pipelineConverter } from './processing/convert.ts';
import { withoutVoid } from './processing/void-packages.ts';
import { createCodecs } from './schemas/codecs.ts';
import { filesTopic } from './sources/files/file-memory.ts';
import { openReadOnlyQueries } from './stores/warehouse/read-only-queries.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { openTraces } from './telemetry/open-traces.ts';
import { registryObserver } from './telemetry/registry-observer.ts';
import { processorObserver } from './telemetry/processor-observer.ts';
import { viewsObserver } from './telemetry/views-observer.ts';
import { Views } from './views/views.ts';

export interface Running {
  readonly url: string;
  /** Unready at once; after `drainGraceMs` finishes what is in flight, lands what is in hand, and closes everything (D8). */
  drain(): Promise<void>;
}

/** Resolves when events are taken. The warehouse may come up later: until then events wait in the log. */
export async function serve(config: Config): Promise<Running> {
  const logger = createLogger({ level: config.logLevel });
  const apps = await loadApps(config);
  const pipelines = pipelinesOf(apps);
  const access = await openGuarded(config, apps.flatMap(keyedPaths), logger);
  const certificate = await openCertificate(config, logger);
  const converter = await loadConverter(config);
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
    const configured = pipelinesOf(await loadApps({ pipelines: config.pipelines }));
    checkFileSettings(configured, config);
    checkObjectFormats(configured, config);
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
      consumers: consumersOf(configured),
      codecs,
      idempotency,
      repairs,
      logger,
      metrics,
      access,
      certificate,
      traces,
      converter,
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
  const own = [idempotencyTopic, repairsTopic, ...(filePipelines(pipelines, config).length > 0 ? [filesTopic] : [])];
  await engine.log.ensureTopics([...(await neededTopics(config, pipelines)), ...own]);
}

async function run(parts: Parts): Promise<Running> {
  const { config, engine, idempotency, repairs, logger, metrics, access, certificate, traces } = parts;
  const landing = startLanding(parts);
  const views = await startViews(parts);
  const queries = openReadOnlyQueries(() => landing.warehouse);
  const budget = new Budget(config.ingest.maxInFlightBytes);
  const files = await FileSources.open({ ...parts, budget });
  const behind = { landing, views, queries, budget, files };
  const health = (): Promise<Health> => checkHealth(parts, landing);
  const server = createServer({ logger, metrics: metrics.registry, health, certificate });
  const stopRetention = keepRetention({
    log: engine.log,
    state: engine.state,
    views: engine.views,
    consumers: parts.consumers,
    alsoKeep: () => [idempotency.progress(), repairs.progress(), ...files.progress()],
    retentionMs: config.log.retentionHours * 3_600_000,
    retentionBytes: config.log.retentionBytes,
    logger,
  });
  const { server: serverFile } = dataPaths(config.dataDir);
  let schedules: PullSchedules | undefined;
  const close = async (): Promise<void> => {
    await forgetServer(serverFile);
    await files.drain();
    await schedules?.drain();
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
    await mountServer(server, parts, behind);
    tellHowItIs(server, parts, { ...behind, health });
    await files.start();
    await server.listen({ port: config.port, host: config.host });
    schedules = PullSchedules.start({ ...parts, ...engine, pulls: pullsOf(parts.apps) });
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

function startLanding(parts: Parts): Landing {
  const { config, engine, codecs, pipelines, logger, metrics, traces, converter } = parts;
  const observe = (consumer: string, sinks: readonly string[]) =>
    processorObserver({ consumer, sinks, logger, metrics });
  const into = { config, engine, codecs, pipelines, logger, observe, traces, converter };
  return Landing.start({ ...into, voids: voidsOf(parts) });
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

function urlOf(server: FastifyInstance, { host, tls }: Config): string {
  const { port } = server.server.address() as AddressInfo;
  const shown = host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${tls ? 'https' : 'http'}://${shown}:${port}`;
}
