/**
 * The log on Kafka as an engine's: its writer is named by a file in the data directory, so that after a crash the same one takes over
 * what it left open. One process uses a data directory, whichever log it has.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import { type KafkaLogReaderOptions, openKafkaLogReader } from '../log/kafka/kafka-log-reader.ts';
import { openKafkaLog } from '../log/kafka/kafka-log.ts';
import type { Log, LogReader } from '../log/log.ts';
import { lockFile } from '../log/segments/lock.ts';
import type { LogObserver } from './engine.ts';

interface DataPaths {
  readonly log: string;
  /** The file that names this node's writer. */
  readonly nodeId: string;
}

/** @throws Fault DATA_DIR_IN_USE, LOG_UNAVAILABLE, CONFIG_INVALID */
export async function openKafkaEngineLog(
  config: Config,
  { log: dir, nodeId: nodeFile }: DataPaths,
  observer?: LogObserver,
): Promise<Log> {
  const reached = await reach(config);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const release = await lockFile(join(dir, 'lock')); // the embedded log's
  if (release === undefined) throw new Fault('DATA_DIR_IN_USE', `Another process writes the log of ${config.dataDir}.`);
  const transactionalId = `tributary-${await nodeId(nodeFile)}`;
  return openKafkaLog({ ...reached, transactionalId, ...observer, onClosed: release });
}

/** @throws Fault LOG_UNAVAILABLE, CONFIG_INVALID */
export async function openKafkaEngineLogReader(config: Config): Promise<LogReader> {
  return openKafkaLogReader(await reach(config));
}

/** @throws Fault CONFIG_INVALID where the file of authorities cannot be read */
async function reach({ kafkaBrokers = [], kafka }: Config): Promise<KafkaLogReaderOptions> {
  const { caFile, tls = false, username, password, saslMechanism: mechanism = 'PLAIN' } = kafka ?? {};
  const ca = caFile === undefined ? undefined : await readFile(caFile).catch(unreadable(caFile));
  const security = {
    ...((tls || ca) && { tls: { ...(ca && { ca }) } }),
    ...(username !== undefined && password !== undefined && { sasl: { mechanism, username, password } }),
  };
  return { brokers: kafkaBrokers.map(addressOf), security };
}

function unreadable(file: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw new Fault('CONFIG_INVALID', `kafka.caFile: ${file} cannot be read (${error.code})`, { cause: error });
  };
}

/** Made at the first use; called by one process at a time. */
async function nodeId(file: string): Promise<string> {
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (known !== undefined) return known.trim();
  const id = randomUUID();
  const aside = `${file}.${id}`;
  await writeFile(aside, `${id}\n`, { flush: true });
  await link(aside, file); // whole or not at all
  await rm(aside);
  return id;
}

/** @param broker as the configuration names it */
export function addressOf(broker: string): { readonly host: string; readonly port: number } {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(broker.slice(colon + 1)) };
}
