/**
 * What stands behind pipelines: log, keyed state, schema registry, objects and warehouse, opened as the configuration
 * says. The embedded ones all live in the data directory.
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { schemaIn } from '../config/environment.ts';
import { lockFile } from '../log/segments/lock.ts';
import { openSegmentLogReader } from '../log/segments/segment-log-reader.ts';
import { openSegmentLog } from '../log/segments/segment-log.ts';
import type { Log, LogReader } from '../log/log.ts';
import type { OutsideRegistry, RegistryObserver } from '../schemas/cached-registry.ts';
import { type FileRegistry, openFileRegistry } from '../schemas/file-registry.ts';
import type { SchemaRegistry } from '../schemas/registry.ts';
import { openDirectoryStore } from '../stores/objects/directory-store.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import { openEmbeddedWarehouse } from '../stores/warehouse/embedded-warehouse.ts';
import { openServerWarehouse } from '../stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import { dataPaths } from './data-paths.ts';
import { openStateReaders, openStateStores } from './state-stores.ts';

export interface Engine {
  readonly log: Log;
  /** What must never forget. */
  readonly state: StateStore;
  /** What can be made again from the log. May be the same store. */
  readonly views: StateStore;
  readonly registry: FileRegistry | OutsideRegistry;
  readonly objects: ObjectStore;
}

export interface LogObserver {
  /** Told how long each write of the log took until it was durable. Must not throw. */
  readonly onFlushed: (seconds: number) => void;
}

export interface EngineObserver extends LogObserver {
  /** Of a registry elsewhere. */
  readonly registry?: RegistryObserver;
}

/** Everything but the warehouse, which may take its time: events are taken before it is up. @throws Fault DATA_DIR_IN_USE */
export async function openEngine(config: Config, observer?: EngineObserver): Promise<Engine> {
  const paths = dataPaths(config.dataDir);
  const log = await openEngineLog(config, observer); // first: it locks the directory
  try {
    const stores = await openStateStores(config, paths.state);
    const registry = await openRegistry(config, { isReadOnly: false, observer: observer?.registry });
    const objects = await openObjects(config);
    return { log, ...stores, registry, objects };
  } catch (error) {
    await log.close();
    throw error;
  }
}

export function openWarehouse(config: Config, logger: Logger): Promise<Warehouse> {
  const { databaseUrl: url } = config;
  if (url !== undefined) return openServerWarehouse({ url, schema: schemaIn(url) });
  const dir = dataPaths(config.dataDir).postgres;
  return openEmbeddedWarehouse({ dir, log: (line) => logger.info({ part: 'postgres' }, line) });
}

/** For other processes than the one that serves. */
export function openRegistryReader(config: Config): Promise<FileRegistry | OutsideRegistry> {
  return openRegistry(config, { isReadOnly: true });
}

interface RegistryUse {
  readonly isReadOnly: boolean;
  readonly observer?: RegistryObserver | undefined;
}

async function openRegistry(config: Config, use: RegistryUse): Promise<FileRegistry | OutsideRegistry> {
  const { registry, knownSchemas } = dataPaths(config.dataDir);
  const { schemaRegistryUrl: address } = config;
  if (address === undefined) return openFileRegistry({ dir: registry });
  const { openOutsideRegistry } = await import('../schemas/outside-registry.ts'); // its client takes a while to load
  return openOutsideRegistry({ address, dir: knownSchemas, ...use });
}

/** Also without the rest: what is put there by other processes than the one that serves. */
export async function openObjects(config: Config): Promise<ObjectStore> {
  if (config.objects === undefined) return openDirectoryStore({ dir: dataPaths(config.dataDir).objects });
  const { openS3Store } = await import('../stores/objects/s3-store.ts'); // its client takes 0.1 s and 40 MB to load
  return openS3Store(config.objects);
}

/** Only the log, to write it while no server does. Made where it is missing. @throws Fault DATA_DIR_IN_USE */
export async function openEngineLog(config: Config, observer?: LogObserver): Promise<Log> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  if (config.kafkaBrokers) {
    const { openKafkaEngineLog } = await import('./kafka-engine-log.ts'); // its client takes a while to load
    return openKafkaEngineLog(config, dataPaths(config.dataDir), observer);
  }
  const { segmentBytes, minFreeBytes } = config.log;
  return openSegmentLog({ dir: dataPaths(config.dataDir).log, segmentBytes, minFreeBytes, ...observer });
}

/** Whether another process writes the log of the data directory: a server that runs. @param waitMs how long it may take to tell */
export async function isServed(dataDir: string, waitMs?: number): Promise<boolean> {
  const path = join(dataPaths(dataDir).log, 'lock');
  if (!existsSync(path)) return false;
  const release = await lockFile(path, waitMs);
  release?.();
  return release === undefined;
}

/** Only the log, to read it beside whoever writes it. @throws Fault LOG_MISSING, LOG_UNAVAILABLE */
export async function openEngineLogReader(config: Config): Promise<LogReader> {
  if (config.kafkaBrokers) {
    const { openKafkaEngineLogReader } = await import('./kafka-engine-log.ts');
    return openKafkaEngineLogReader(config);
  }
  return openSegmentLogReader({ dir: dataPaths(config.dataDir).log });
}

/** For other processes than the one that serves; works beside it and without it. */
export interface EngineReader {
  readonly log: LogReader;
  readonly state: StateStore;
  readonly views: StateStore;
  /** Opened at first use. */
  readonly objects: () => Promise<ObjectStore>;
  /** Opened at first use. */
  readonly registry: () => Promise<SchemaRegistry>;
  close(): Promise<void>;
}

export async function openEngineReader(config: Config): Promise<EngineReader> {
  const paths = dataPaths(config.dataDir);
  const log = await openEngineLogReader(config);
  const { state, views } = await openStateReaders(config, paths.state);
  let objects: Promise<ObjectStore> | undefined;
  let registry: Promise<FileRegistry | OutsideRegistry> | undefined;
  return {
    log,
    state,
    views,
    objects: () => (objects ??= openObjects(config)),
    registry: () => (registry ??= openRegistryReader(config)),
    close: async () => {
      const opened = await registry?.catch(() => undefined); // who opened it has been told
      await closeEngine({ log, state, views, registry: opened });
    },
  };
}

interface OpenParts {
  readonly log: LogReader;
  readonly state: StateStore;
  readonly views: StateStore;
  /** Undefined where it was not opened. */
  readonly registry: FileRegistry | OutsideRegistry | undefined;
}

export async function closeEngine({ log, state, views, registry }: OpenParts): Promise<void> {
  await log.close();
  await state.close();
  await views.close();
  await closeRegistry(registry);
}

export async function closeRegistry(registry: FileRegistry | OutsideRegistry | undefined): Promise<void> {
  if (registry && 'close' in registry) await registry.close();
}
