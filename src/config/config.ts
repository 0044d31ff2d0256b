/**
 * One validated, frozen object from four places: flags win over the environment, that over the file, that over the
 * defaults. What is wrong is named with the place it came from, everything at once. Nothing else reads the environment.
 *
 * Relative paths are taken from the directory of the file that they stand in; those of flags and environment from the
 * working directory; defaults lie in the working directory (data) or in the package (apps, schemas, topics).
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Fault } from '../errors.ts';
import { jsonErrorAt } from '../event/json-syntax.ts';
import { isEnvironmentName, placeInEnvironment } from './environment.ts';
import { derivedVariables, otelVariables, otherProtocols, tracesAreOff } from './otel-variables.ts';
import { inPackage, moduleInPackage } from './package-root.ts';
import { readPairs } from './pairs.ts';
import { type Origins, place, problems } from './problems.ts';
import { type Config, settings } from './settings.ts';

export type { Config } from './settings.ts';
export { redacted } from './redacted.ts';

/** As given on the command line; checked here. */
export interface Flags {
  readonly port?: string;
  readonly host?: string;
  readonly dataDir?: string;
  /** Names, separated by commas. */
  readonly only?: string;
  readonly env?: string;
  readonly processor?: string;
  readonly objectFormat?: string;
}

export interface ConfigSources {
  /** Default: `tributary.config.json` in the working directory, where there is one. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly flags: Flags;
  /** Default: the process's. */
  readonly workingDir?: string;
}

/** In the working directory. */
export const defaultConfigFile = 'tributary.config.json';

/** Which setting each environment variable gives. */
export const variables = {
  PORT: 'port',
  HOST: 'host',
  TRIBUTARY_DATA_DIR: 'dataDir',
  TRIBUTARY_ENV: 'env',
  TRIBUTARY_ONLY: 'only',
  TRIBUTARY_PROCESSOR: 'processor',
  TRIBUTARY_PIPELINES: 'pipelines',
  TRIBUTARY_SCHEMAS_DIR: 'schemasDir',
  TRIBUTARY_TOPICS_FILE: 'topicsFile',
  DATABASE_URL: 'databaseUrl',
  KAFKA_BROKERS: 'kafkaBrokers',
  KAFKA_TLS: 'kafka.tls',
  KAFKA_CA_FILE: 'kafka.caFile',
  KAFKA_SASL_MECHANISM: 'kafka.saslMechanism',
  KAFKA_USERNAME: 'kafka.username',
  KAFKA_PASSWORD: 'kafka.password',
  SCHEMA_REGISTRY_URL: 'schemaRegistryUrl',
  REDIS_URL: 'redisUrl',
  S3_BUCKET: 'objects.bucket',
  S3_ENDPOINT: 'objects.endpoint',
  TRIBUTARY_OBJECT_FORMAT: 'objectFormat',
  TRIBUTARY_FILES: 'files',
  TRIBUTARY_DEDUPLICATION_HOURS: 'deduplicationHours',
  LOG_LEVEL: 'logLevel',
  TRIBUTARY_ADMIN_TOKEN: 'adminToken',
  TRIBUTARY_ADMIN_TOKEN_FILE: 'adminTokenFile',
  TRIBUTARY_KEY: 'accessKey',
  TRIBUTARY_TLS_CERT_FILE: 'tls.certFile',
  TRIBUTARY_TLS_KEY_FILE: 'tls.keyFile',
  TRIBUTARY_LOG_SEGMENT_BYTES: 'log.segmentBytes',
  TRIBUTARY_LOG_RETENTION_HOURS: 'log.retentionHours',
  TRIBUTARY_LOG_RETENTION_BYTES: 'log.retentionBytes',
  TRIBUTARY_LOG_MIN_FREE_BYTES: 'log.minFreeBytes',
  TRIBUTARY_INGEST_MAX_IN_FLIGHT_BYTES: 'ingest.maxInFlightBytes',
  TRIBUTARY_INGEST_WAIT_FOR_ROOM_MS: 'ingest.waitForRoomMs',
  TRIBUTARY_INGEST_BODY_IDLE_TIMEOUT_MS: 'ingest.bodyIdleTimeoutMs',
  TRIBUTARY_DRAIN_GRACE_MS: 'drainGraceMs',
  TRIBUTARY_DRAIN_TIMEOUT_MS: 'drainTimeoutMs',
  ...otelVariables,
} as const;

const flagNames = {
  port: '--port',
  host: '--host',
  dataDir: '--data-dir',
  only: '--only',
  env: '--env',
  processor: '--processor',
  objectFormat: '--object-format',
} as const;

/** @throws Fault CONFIG_INVALID with every problem and where each setting was given */
export function loadConfig(sources: ConfigSources): Config {
  const { given, origins } = gather(sources);
  const { env } = given;
  const placed = isEnvironmentName(env)
    ? placeInEnvironment(given, env, origins.named.get('port') === flagNames.port)
    : undefined;
  const parsed = settings.safeParse(placed?.settings ?? given);
  const shared = (placed?.shared ?? []).map((path) => sharedBy(String(env), path, origins));
  const wrong = [
    ...(parsed.data?.traces.endpoint === undefined ? [] : otherProtocols(sources.env)),
    ...(parsed.success ? [] : problems(parsed.error, given, origins)),
    ...shared,
  ];
  if (!parsed.success || wrong.length > 0) throw new Fault('CONFIG_INVALID', wrong.join('; '));
  return parsed.data;
}

function sharedBy(env: string, path: readonly string[], origins: Origins): string {
  const what = `would be shared with others by the environment ${env}`;
  return `${place(path, origins)} ${what}: write {env} where its name belongs, or leave it out`;
}

/** The data directory that environments lie in. @throws Fault CONFIG_INVALID */
export function dataRootOf(sources: ConfigSources): string {
  const { dataDir } = gather(sources).given;
  if (typeof dataDir === 'string' && dataDir !== '') return dataDir;
  throw new Fault('CONFIG_INVALID', 'dataDir: expected a directory');
}

interface Gathered {
  readonly given: Readonly<Record<string, unknown>>;
  readonly origins: Origins;
}

function gather(sources: ConfigSources): Gathered {
  const workingDir = sources.workingDir ?? process.cwd();
  const file = readFile(sources.file, workingDir);
  const named = new Map<string, string>();
  const given: Record<string, unknown> = { ...defaults(workingDir), ...file?.content };
  const isTraced = !tracesAreOff(sources.env);
  if (!isTraced) delete given['traces'];
  for (const [variable, setting] of Object.entries(variables)) {
    const value = !isTraced && setting.startsWith('traces.') ? undefined : sources.env[variable];
    if (value !== undefined && value !== '') put(setting, value, `${variable} in the environment`);
  }
  for (const { variable, setting, value } of isTraced ? derivedVariables(sources.env) : [])
    put(setting, value, `${variable} in the environment`);
  for (const [setting, flag] of Object.entries(flagNames)) {
    const value = sources.flags[setting as keyof Flags];
    if (value !== undefined) put(setting, value, flag);
  }
  function put(setting: string, value: string, origin: string): void {
    const [section = '', inner] = setting.split('.');
    const read = fromText(setting, value, workingDir);
    given[section] = inner === undefined ? read : { ...Object(given[section]), [inner]: read };
    named.set(setting, origin);
  }
  return { given, origins: { named, file: file?.path } };
}

function defaults(workingDir: string) {
  return {
    dataDir: resolve(workingDir, '.tributary'),
    schemasDir: inPackage('schemas'),
    topicsFile: inPackage('topics/main-topics'),
    pipelines: ['collect', 'signals', 'rates', 'cards', 'lake'].map((name) => moduleInPackage(`apps/${name}/${name}`)),
  };
}

const paths: ReadonlySet<string> = new Set([
  'dataDir',
  'schemasDir',
  'topicsFile',
  'adminTokenFile',
  'tls.certFile',
  'tls.keyFile',
  'kafka.caFile',
]);
/** Names of settings that are whole numbers. */
const numberForm = /(?:^port|Ms|Bytes|^log\.retentionHours)$/;

function fromText(setting: string, text: string, workingDir: string): unknown {
  if (numberForm.test(setting)) return /^\d{1,15}$/.test(text) ? Number(text) : text;
  if (paths.has(setting)) return text === '' ? text : resolve(workingDir, text);
  if (setting === 'traces.sampleRatio') return /^[\d.]{1,20}$/.test(text) ? Number(text) : text;
  if (setting === 'kafka.tls' && (text === 'true' || text === 'false')) return text === 'true';
  if (setting === 'deduplicationHours') return hoursByName(text);
  if (setting === 'files') return absolutePaths({ files: fromJson(text) }, workingDir)['files'];
  if (!['only', 'kafkaBrokers', 'pipelines'].includes(setting)) return text;
  const list = text.split(',').map((one) => one.trim());
  return setting === 'pipelines' ? absolutePaths({ pipelines: list }, workingDir)['pipelines'] : list;
}

/** What is no JSON stays the text. */
function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `lake=48,orders=24`; what is none of that, or says two things of one, stays the text. */
function hoursByName(text: string): unknown {
  const hours = readPairs(text);
  if (hours === undefined || hours.size < text.split(',').length) return text;
  return Object.fromEntries([...hours].map(([name, value]) => [name, /^\d{1,9}$/.test(value) ? Number(value) : value]));
}

interface ConfigFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
}

function readFile(named: string | undefined, workingDir: string): ConfigFile | undefined {
  const path = resolve(workingDir, named ?? defaultConfigFile);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (named === undefined && code === 'ENOENT') return undefined;
    throw new Fault('CONFIG_INVALID', `${path} cannot be read (${code})`, { cause: error });
  }
  return { path, content: absolutePaths(parse(text.replace(/^\uFEFF/, ''), path), dirname(path)) };
}

/** In place of the parser's words, which quote what stands there: it may be a part of a secret. */
function whereNotJson(text: string): string {
  const bytes = Buffer.from(text);
  const before = bytes.toString('utf8', 0, jsonErrorAt(bytes)).split('\n');
  return `line ${before.length} column ${(before.at(-1) ?? '').length + 1}`;
}

function parse(text: string, path: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new Fault('CONFIG_INVALID', `${path} is not JSON: something else stands at ${whereNotJson(text)}`);
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content))
    return content as Record<string, unknown>;
  throw new Fault('CONFIG_INVALID', `${path}: expected an object of settings`);
}

function absolutePaths(content: Readonly<Record<string, unknown>>, from: string): Readonly<Record<string, unknown>> {
  const absolute = (value: unknown) => (typeof value === 'string' && value !== '' ? resolve(from, value) : value);
  const changed = { ...content };
  for (const setting of ['dataDir', 'schemasDir', 'topicsFile', 'adminTokenFile'])
    if (setting in changed) changed[setting] = absolute(changed[setting]);
  if (Array.isArray(changed['pipelines'])) changed['pipelines'] = changed['pipelines'].map(absolute);
  const { tls } = changed;
  if (typeof tls === 'object' && tls !== null && !Array.isArray(tls))
    changed['tls'] = Object.fromEntries(Object.entries(tls).map(([name, value]) => [name, absolute(value)]));
  if (typeof changed['files'] === 'object' && changed['files'] !== null)
    changed['files'] = Object.fromEntries(
      Object.entries(changed['files']).map(([pipeline, of]) => [pipeline, withDirectories(of, absolute)]),
    );
  const { kafka } = changed;
  if (typeof kafka === 'object' && kafka !== null && 'caFile' in kafka)
    changed['kafka'] = { ...kafka, caFile: absolute(kafka.caFile) };
  return changed;
}

/** What is wrong in it is said later. */
function withDirectories(of: unknown, absolute: (value: unknown) => unknown): unknown {
  if (typeof of !== 'object' || of === null || !('directories' in of) || !Array.isArray(of.directories)) return of;
  return { ...of, directories: of.directories.map(absolute) };
}
