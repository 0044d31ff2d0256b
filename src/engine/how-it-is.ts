/** What a server tells of itself: whether it is ready, its status, and the gauges that are read when they are asked for. */
import type { FastifyInstance } from 'fastify';
import { mountStatus } from '../api/admin/status.ts';
import type { Health } from '../api/server.ts';
import { isFault } from '../errors.ts';
import type { Budget } from '../ingest/budget.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { type LagRow, readLag } from '../processing/lag.ts';
import type { ReadOnlyQueries } from '../stores/warehouse/read-only-queries.ts';
import { eventCounts } from '../telemetry/event-counts.ts';
import { addLiveGauges } from '../telemetry/live-gauges.ts';
import { diskSpace } from './disk-space.ts';
import type { Engine } from './engine.ts';
import { consumersOf, type Landing } from './landing.ts';
import type { Parts } from './parts.ts';

export async function checkHealth({ engine: { log }, apps, pipelines }: Parts, landing: Landing): Promise<Health> {
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

interface Told {
  readonly health: () => Promise<Health>;
  readonly budget: Budget;
  readonly landing: Landing;
  readonly queries: ReadOnlyQueries;
}

export function tellHowItIs(server: FastifyInstance, parts: Parts, { health, budget, landing, queries }: Told): void {
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
