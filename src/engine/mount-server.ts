/** What the HTTP server answers: sources, batches, routes of apps, the registry, and administration. */
import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../access/loopback.ts';
import { mountDeadLetters } from '../api/admin/dead-letters.ts';
import { mountFileLooks } from '../api/admin/files.ts';
import { mountReplays } from '../api/admin/replays.ts';
import { mountTopics } from '../api/admin/topics.ts';
import { mountTrail } from '../api/admin/trail.ts';
import { mountRoutes } from '../api/app-routes/mount-routes.ts';
import { guard } from '../api/guard.ts';
import { mountOpenApi } from '../api/openapi/openapi-routes.ts';
import { mountRegistryElsewhere } from '../api/registry/registry-elsewhere.ts';
import { mountRegistry } from '../api/registry/registry-routes.ts';
import { packageVersion } from '../config/package-root.ts';
import { Letters } from '../dead-letters/letters.ts';
import { createTryEvent } from '../dead-letters/try-event.ts';
import { Fault } from '../errors.ts';
import { createPackageIds } from '../event/correlation-id.ts';
import { createMicrosecondClock } from '../event/microsecond-clock.ts';
import type { Budget } from '../ingest/budget.ts';
import { EventIngest } from '../ingest/event-ingest.ts';
import { Ingest } from '../ingest/ingest.ts';
import { Patience } from '../ingest/patience.ts';
import { Replays } from '../processing/replays.ts';
import { Batches } from '../sources/bulk/batches.ts';
import { mountBulk } from '../sources/bulk/bulk-routes.ts';
import { mountHttpSource } from '../sources/http/http-source.ts';
import { mountRequestSource } from '../sources/http/request-source.ts';
import { traceRequests } from '../sources/http/trace-requests.ts';
import type { ReadOnlyQueries } from '../stores/warehouse/read-only-queries.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import { bulkObserver } from '../telemetry/bulk-observer.ts';
import { readsObserver } from '../telemetry/reads-observer.ts';
import type { Views } from '../views/views.ts';
import type { FileSources } from './file-sources.ts';
import { consumersOf, type Landing } from './landing.ts';
import { type Parts, voidsOf } from './parts.ts';

export interface Behind {
  readonly landing: Landing;
  readonly views: Views;
  readonly queries: ReadOnlyQueries;
  readonly budget: Budget;
  readonly files: FileSources;
}

/** All that the server answers. @throws where a file of a route is not there */
export async function mountServer(server: FastifyInstance, parts: Parts, behind: Behind): Promise<void> {
  const { engine, pipelines, logger, metrics, access, traces } = parts;
  const { landing, views, queries, budget, files } = behind;
  if (traces) traceRequests(server, traces);
  guard(server, access);
  mountTopics(server, { log: engine.log, consumed: consumersOf(pipelines).map(({ topic }) => topic) });
  mountOwnRegistry(server, parts);
  mountSources(server, parts, budget);
  mountBatches(server, parts, warehouseOf(landing));
  mountAdmin(server, parts, budget, landing);
  mountFileLooks(server, () => files.askForLooks());
  const answering = { read: views.read, sql: queries.sql, onAnswered: readsObserver(metrics) };
  for (const { routes = [] } of parts.apps) await mountRoutes(server, { routes, logger, ...answering });
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
    if (pipeline.source.kind === 'requests')
      mountRequestSource(server, { ingest: new EventIngest(into), clock, ...about });
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
