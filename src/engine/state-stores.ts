/**
 * Which store keeps what (docs/decisions/state-on-redis-and-postgres.md):
 *
 * - `state` must never forget: checkpoints, intents, cuts, replays, repairs. In PostgreSQL where nodes share a log and a database, since they
 *   share it then, and it is as durable as the rows; else in the data directory. Never in Redis.
 * - `views` can be made again from the log: idempotency keys, marks of void packages, entries of views. In Redis where there is one,
 *   else with `state`.
 *
 * A server may come up later than we do.
 */
import type { Config } from '../config/config.ts';
import { openLmdbStore } from '../stores/state/lmdb-store.ts';
import { openPostgresStore } from '../stores/state/postgres-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { StateWhenThere } from '../stores/state/state-when-there.ts';

export interface StateStores {
  readonly state: StateStore;
  readonly views: StateStore;
}

/** @param dir of what is kept here @throws Fault STATE_UNAVAILABLE for a Redis that is not set up as it has to be */
export async function openStateStores(config: Config, dir: string): Promise<StateStores> {
  return withViews(config, openSharedState(config) ?? (await openLmdbStore({ dir })));
}

/** For other processes than the one that serves, which has made what is in the data directory, or has not yet. */
export async function openStateReaders(config: Config, dir: string): Promise<StateStores> {
  const local = (): StateStore => new StateWhenThere(() => openLmdbStore({ dir, readOnly: true }));
  return withViews(config, openSharedState(config) ?? local());
}

/** What nodes share; undefined: each has its own. */
export function openSharedState({ kafkaBrokers, databaseUrl }: Config): StateStore | undefined {
  return kafkaBrokers && databaseUrl !== undefined ? openPostgresStore({ url: databaseUrl }) : undefined;
}

async function withViews({ redisUrl }: Config, state: StateStore): Promise<StateStores> {
  if (redisUrl === undefined) return { state, views: state };
  try {
    const { openRedisStore } = await import('../stores/state/redis-store.ts'); // its client takes a while to load
    return { state, views: await openRedisStore({ url: redisUrl }) };
  } catch (error) {
    await state.close();
    throw error;
  }
}
