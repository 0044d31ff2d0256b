/**
 * Every setting, with its default and what it accepts: the one description that the file, the environment and the
 * flags are checked against. A leaf's error text says what was expected there; `problems.ts` adds where.
 */
import { z } from 'zod';
import { environmentNameForm, isEnvironmentName } from './environment.ts';
import { areHeaders, readPairs } from './pairs.ts';
import { readRegistryAddress } from '../schemas/registry-address.ts';
import { longestWindowHours } from '../pipeline/pipeline.ts';
import { adminTokenForm, isAdminToken, splitAdminTokens } from '../access/admin-token-text.ts';

const MiB = 1024 * 1024;

function wholeNumber(min: number, max: number, of: string) {
  const range = max === Number.MAX_SAFE_INTEGER ? `, at least ${min}` : ` from ${min} to ${max}`;
  const expected = `a whole number of ${of}${range}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

function text(expected: string) {
  return z.string(expected).min(1, expected);
}

const bytes = (min: number) => wholeNumber(min, Number.MAX_SAFE_INTEGER, 'bytes');
const dayMs = 24 * 3600 * 1000;
const milliseconds = () => wholeNumber(1, dayMs, 'milliseconds');
const port = 'a port from 0 to 65535';
const databaseUrl = 'a connection string such as postgres://user@host:5432/database';
const registryUrl = 'a URL such as http://localhost:8081 or https://user:password@host';
const redisUrl = 'a URL such as redis://user:password@host:6379/0, or rediss: for TLS (REDIS_URL)';
const brokers = 'a list of one or more brokers, each as host:port';
const names = 'a list of one or more names of pipelines';
const adminTokens = `one or more tokens, separated by commas, each of ${adminTokenForm}`;
const accessKey = 'a key as tributary keys add prints it';
const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What the embedded log keeps, and when it refuses. */
const log = z.strictObject({
  /** A new segment file begins when this many bytes are in one. */
  segmentBytes: bytes(64 * 1024).default(64 * MiB),
  /** Seven days, as in Kafka. */
  retentionHours: wholeNumber(1, 24 * 365 * 100, 'hours').default(168),
  /** Of all topics together, which share their segments; default: no limit but the hours. */
  retentionBytes: bytes(MiB).optional(),
  /** Appends are refused while the disk has less. */
  minFreeBytes: bytes(0).default(64 * MiB),
});

/** How the brokers of `kafkaBrokers` are spoken to. Default: in plain text, to whoever answers. */
const kafka = z
  .strictObject({
    tls: z.boolean('true or false').default(false),
    /** Default: the authorities that Node.js knows. */
    caFile: text('the file of certificates of authorities, as PEM (KAFKA_CA_FILE)').optional(),
    saslMechanism: z.enum(saslMechanisms, `one of ${saslMechanisms.join(', ')}`).default('PLAIN'),
    username: text('a name').optional(),
    password: text('the password of kafka.username (KAFKA_PASSWORD)').optional(),
  })
  .refine(({ username, password }) => username === undefined || password !== undefined, {
    path: ['password'],
    message: 'the password of kafka.username (KAFKA_PASSWORD)',
  });

const ingest = z.strictObject({
  /** Packages on their way into the log hold at most this much together; the next ones wait for room. */
  maxInFlightBytes: bytes(MiB).default(64 * MiB),
  /** Less than the 5 s after which producers give up. */
  waitForRoomMs: milliseconds().default(4000),
  bodyIdleTimeoutMs: milliseconds().default(30_000),
});

/** PEM files; read again when they change. */
const tls = z.strictObject({
  certFile: text('the file of the certificate, as PEM (TRIBUTARY_TLS_CERT_FILE)'),
  keyFile: text('the file of its private key, as PEM (TRIBUTARY_TLS_KEY_FILE)'),
});

const bucketName = 'the name of a bucket (S3_BUCKET)';
const objectsEndpoint = 'a URL without user, password or query, such as http://localhost:9000 (S3_ENDPOINT)';

/** A bucket of an S3 server; who we are and where it is, the AWS SDK reads from its own AWS_ variables and files. */
const objects = z.strictObject({
  bucket: z.string(bucketName).regex(/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i, bucketName),
  /** Default: AWS. */
  endpoint: z.string(objectsEndpoint).refine(isPlainUrl, objectsEndpoint).optional(),
});

/** It goes into messages, so it may hold no password. */
function isPlainUrl(value: string): boolean {
  const url = /^https?:\/\//i.test(value) ? URL.parse(value) : null;
  return url !== null && [url.username, url.password, url.search, url.hash].every((part) => part === '');
}

const formats = 'ndjson or parquet, or an object with one of them for each of some pipelines';
const format = z.enum(['ndjson', 'parquet'], 'ndjson or parquet');

/** In place of what the pipeline's definition says. */
export const fileSettings = z
  .strictObject({
    directories: z
      .array(text('the path of a directory'), 'a list of one or more directories')
      .min(1, 'a list of one or more directories')
      .readonly(),
    afterwards: z.enum(['leave', 'move', 'delete'], 'one of leave, move, delete'),
  })
  .partial()
  .readonly();

const windows =
  'hours by the names of pipelines, such as {"lake": 48}, or lake=48,orders=24 in TRIBUTARY_DEDUPLICATION_HOURS';

const tracesEndpoint = 'a URL such as http://localhost:4318/v1/traces';
const pairs = 'pairs such as name=value,name=value, percent-encoded where a value has a comma';
const samplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
const ratio = 'a number from 0 to 1';

/** By OpenTelemetry's own names and rules (otel-variables.ts). */
const traces = z.strictObject({
  /** Takes OTLP over HTTP; default: nothing is traced. */
  endpoint: z
    .string(tracesEndpoint)
    .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), tracesEndpoint)
    .optional(),
  /** A secret. */
  headers: z
    .string(pairs)
    .refine((value) => areHeaders(readPairs(value)), pairs)
    .optional(),
  /** Default: that of `resourceAttributes`, or `tributary`. */
  serviceName: text('a name').optional(),
  resourceAttributes: z
    .string(pairs)
    .refine((value) => readPairs(value) !== undefined, pairs)
    .optional(),
  sampler: z.enum(samplers, `one of ${samplers.join(', ')}`).default('parentbased_traceidratio'),
  /** Of the requests that the sampler decides on; for those of the two kinds `traceidratio`. */
  sampleRatio: z.number(ratio).min(0, ratio).max(1, ratio).default(1),
});

export const settings = z
  .strictObject({
    /** 0: any free port. */
    port: z.int(port).min(0, port).max(65_535, port).default(8000),
    host: text('a host name or an address').default('127.0.0.1'),
    /** Everything that the embedded engine keeps. */
    dataDir: text('a directory'),
    /** Has a port and a directory within `dataDir` of its own. Default: no environment. */
    env: z.string(environmentNameForm).refine(isEnvironmentName, environmentNameForm).optional(),
    /** Default: the embedded PostgreSQL. */
    databaseUrl: z
      .string(databaseUrl)
      .regex(/^postgres(ql)?:\/\//, databaseUrl)
      .optional(),
    /** Any brokers of the cluster. Default: the embedded log. */
    kafkaBrokers: z
      .array(z.string(brokers).regex(/^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i, brokers), brokers)
      .min(1, brokers)
      .readonly()
      .optional(),
    kafka: kafka.readonly().optional(),
    /** Confluent-compatible; may hold a user and a password. Default: the embedded registry. */
    schemaRegistryUrl: z
      .string(registryUrl)
      .refine((url) => readRegistryAddress(url) !== undefined, registryUrl)
      .optional(),
    /** What is made from the log, and can be made again: views and idempotency keys. Default: with the rest of the keyed state. */
    redisUrl: z
      .string(redisUrl)
      .refine((url) => /^rediss?:\/\/[^/]/i.test(url) && URL.canParse(url), redisUrl)
      .optional(),
    /** Default: the directory `objects` in `dataDir`. */
    objects: objects.readonly().optional(),
    /** What events are in objects: of all pipelines, or by their names; of those that are not named NDJSON. */
    objectFormat: z.union([format, z.record(z.string(), format).readonly()], formats).default('ndjson'),
    /** By the names of pipelines that take files. Default: as the pipeline says. */
    files: z.record(z.string(), fileSettings, 'an object with the names of pipelines').readonly().optional(),
    /** For how long keys of events are remembered, by the names of pipelines that deduplicate. Default: as the pipeline says. */
    deduplicationHours: z
      .record(z.string(), wholeNumber(1, longestWindowHours, 'hours'), windows)
      .readonly()
      .optional(),
    logLevel: z.enum(logLevels, `one of ${logLevels.join(', ')}`).default('info'),
    /** Names of the pipelines to run; default: all. */
    only: z.array(text('a name'), names).min(1, names).readonly().optional(),
    /** What takes records through validation and transform: the platform itself, or a pipeline of Apache Beam (the package in `beam/`). */
    processor: z.enum(['plain', 'beam'], 'plain or beam').default('plain'),
    /** Holds the schemas that are registered at the start. */
    schemasDir: text('a directory'),
    /** Lists the topics. */
    topicsFile: text('a file'),
    /** Modules that export an app. */
    pipelines: z.array(text('the path of a module'), 'a list of paths of modules').readonly(),
    /** What opens everything but the sources; required beyond loopback. */
    adminToken: z
      .string(adminTokens)
      .refine((value) => splitAdminTokens(value).every(isAdminToken), adminTokens)
      .optional(),
    /** More of them, one a line; read again when it changes. */
    adminTokenFile: text('a file').optional(),
    /** With which this machine's commands send events. */
    accessKey: z
      .string(accessKey)
      .regex(/^[!-~]+$/, accessKey)
      .optional(),
    /** Default: plain HTTP. */
    tls: tls.readonly().optional(),
    log: log.prefault({}).readonly(),
    ingest: ingest.prefault({}).readonly(),
    traces: traces.prefault({}).readonly(),
    /** Of `drainTimeoutMs`. Default: nobody has to see first that the server is unready. */
    drainGraceMs: wholeNumber(0, dayMs, 'milliseconds').default(0),
    /** Below the 30 s that orchestrators give before they kill. */
    drainTimeoutMs: milliseconds().default(25_000),
  })
  .refine(({ drainGraceMs, drainTimeoutMs }) => drainGraceMs < drainTimeoutMs, {
    path: ['drainGraceMs'],
    message: 'less than drainTimeoutMs, of which it is a part',
  })
  .readonly();

export type Config = z.output<typeof settings>;
