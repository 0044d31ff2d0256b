/**
 * The servers of a cluster, started for a benchmark on free ports of loopback, and their data in a directory of its own. Unlike those of
 * `npm run services`, Kafka is one for load.
 */
import { readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { kafkaOf } from '../../src/services/kafka.ts';
import { postgresOf } from '../../src/services/postgres.ts';
import { redisOf } from '../../src/services/redis.ts';
import { RunningService } from '../../src/services/running-service.ts';
import { s3Bucket, s3Credentials, s3Of } from '../../src/services/s3.ts';
import type { Service } from '../../src/services/service.ts';
import { freePorts } from '../../src/services/free-ports.ts';
import { atExit } from '../at-exit.ts';
import type { BenchSettings } from '../parts.ts';

/** For whoever uses the bucket: the AWS SDK reads them from the environment of its process. */
export const awsVariables: BenchSettings = {
  AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  AWS_REGION: 'us-east-1',
};

/** The JVM's; what the broker caches of the log is the system's memory. */
const kafkaHeapMegabytes = 1024;

/**
 * Of what a benchmark has written and does not need again a partition keeps at least so much, so that the disk does not fill. Segments
 * go as soon as they may, not minutes later.
 */
const keepLittle = {
  'log.retention.bytes': `${256 << 20}`,
  'log.segment.bytes': `${64 << 20}`,
  'log.retention.check.interval.ms': '1000',
  'log.segment.delete.delay.ms': '1000',
};

export interface KafkaServer {
  /** Host and port. */
  readonly address: string;
  stop(): Promise<void>;
}

/** @param keeps whether all that is written is read again */
export async function startKafka(dir: string, keeps: 'all' | 'little'): Promise<KafkaServer> {
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const settings = keeps === 'little' ? keepLittle : {};
  const [service] = kafkaOf([{ id: 1, port, controllerPort }], { heapMegabytes: kafkaHeapMegabytes, settings });
  return start(service as Service, join(dir, 'kafka'));
}

export interface Servers {
  readonly kafkaBrokers: string;
  /** A database and a bucket that are empty, and gone afterwards. @param use told all settings but the log's */
  withEmptyStores<T>(use: (env: BenchSettings) => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

/** All that a whole program on a cluster needs. */
export async function startServers(dir: string): Promise<Servers> {
  const [s3Port = 0, postgresPort = 0] = await freePorts(2);
  const running: { stop(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    for (const server of running.toReversed()) await server.stop();
  };
  try {
    const kafka = await startKafka(dir, 'all');
    running.push(kafka);
    const s3 = await start(s3Of(s3Port), join(dir, 's3'));
    running.push(s3);
    const postgres = await start(postgresOf(postgresPort), join(dir, 'postgres'));
    running.push(postgres);
    const stores = new EmptyStores(join(dir, 's3'), s3.address, postgres.address);
    return { kafkaBrokers: kafka.address, withEmptyStores: (use) => stores.use(use), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** It keeps nothing over a restart. */
export async function startRedis(dir: string): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const [port = 0] = await freePorts(1);
  return start(redisOf(port), join(dir, 'redis'));
}

class EmptyStores {
  readonly #s3Dir: string;
  readonly #s3Url: string;
  readonly #postgresUrl: string;
  #made = 0;

  constructor(s3Dir: string, s3Url: string, postgresUrl: string) {
    this.#s3Dir = s3Dir;
    this.#s3Url = s3Url;
    this.#postgresUrl = postgresUrl;
  }

  async use<T>(use: (env: BenchSettings) => Promise<T>): Promise<T> {
    const name = `${s3Bucket}${(this.#made += 1)}`;
    const bucketDir = join(this.#s3Dir, name); // a directory is a bucket
    await mkdir(bucketDir);
    await this.#query(`CREATE DATABASE ${name}`);
    try {
      const database = new URL(this.#postgresUrl);
      database.pathname = `/${name}`;
      return await use({ DATABASE_URL: database.href, S3_ENDPOINT: this.#s3Url, S3_BUCKET: name });
    } finally {
      await this.#query(`DROP DATABASE ${name} WITH (FORCE)`);
      await rm(bucketDir, { recursive: true, force: true });
    }
  }

  async #query(text: string): Promise<void> {
    const client = new Client({ connectionString: this.#postgresUrl });
    await client.connect();
    try {
      await client.query(text);
    } finally {
      await client.end();
    }
  }
}

async function start(service: Service, dir: string): Promise<{ readonly address: string; stop(): Promise<void> }> {
  const running = new RunningService(service, dir);
  // At once, as its data go with the directory; PostgreSQL's other processes only end with the first by a signal that it can take.
  const signal = service.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL';
  const callOff = atExit(() => process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')), signal));
  const stop = async (): Promise<void> => {
    await running.down(signal);
    callOff();
  };
  try {
    await running.up();
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: service.address, stop };
}
