/**
 * Environments: copies by name, side by side, that share nothing. Each has a directory within the data directory, a port of its own, and
 * on servers what its settings name by `{env}`. A name becomes part of paths, URLs and names of others, so it is checked before it is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const environmentNameForm =
  'a name of up to 30 small letters, digits and hyphens that begins with a letter, such as staging-a';

export function isEnvironmentName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?$/.test(name);
}

/** Where in the data directory the environments lie. */
export const environmentsDir = 'environments';
/** In the data directory of each: the port that it got. */
export const portFile = 'port';

const placeholder = '{env}';

type Settings = Readonly<Record<string, unknown>>;

export interface Placed {
  readonly settings: Record<string, unknown>;
  /** Paths of settings by which it would share a server with others. */
  readonly shared: readonly (readonly string[])[];
}

/** @param isPortNamed by the flag; PORT and the file name that of who has no name */
export function placeInEnvironment(given: Settings, name: string, isPortNamed: boolean): Placed {
  const root = given['dataDir'];
  const dataDir = typeof root === 'string' && root !== '' ? join(root, environmentsDir, name) : root;
  const { kafkaBrokers, redisUrl, schemaRegistryUrl, objects } = given;
  const databaseUrl = kafkaBrokers === undefined ? inSchema(given['databaseUrl'], name) : given['databaseUrl'];
  const onServers = { databaseUrl, kafkaBrokers, redisUrl, schemaRegistryUrl, objects };
  const shared = Object.entries(onServers).filter(([, value]) => value !== undefined && !namesEach(value));
  const files = fileSettingsOf(given);
  const sharedFiles = files.filter(([, { directories }]) => directories !== undefined && !namesEach(directories));
  return {
    settings: {
      ...given,
      ...Object.fromEntries(Object.entries(onServers).map(([key, value]) => [key, named(value, name)])),
      files: named(given['files'], name),
      dataDir,
      port: isPortNamed && given['port'] !== 0 ? given['port'] : recordedPort(String(dataDir)),
    },
    shared: [
      ...shared.map(([key]) => (key === 'objects' ? ['objects', 'bucket'] : [key])),
      ...sharedFiles.map(([pipeline]) => ['files', pipeline, 'directories']),
    ],
  };
}

/** By the pipelines that they are for; what is wrong in them is said later. */
function fileSettingsOf({ files }: Settings): readonly (readonly [string, Settings])[] {
  return Object.entries(Object(files)).map(([pipeline, of]) => [pipeline, Object(of)]);
}

/** Which schema is its own on a database that others have, too: letters, digits and underscores. No two names have the same. */
export function schemaOf(name: string): string {
  return `env_${name.replaceAll('-', '_')}`;
}

const searchPath = 'options=-c%20search_path%3D';

/** Whose tables are then found in its own schema, where it is not another database. With options of its own it stays as it is. */
function inSchema(url: unknown, name: string): unknown {
  if (typeof url !== 'string' || url.includes(placeholder) || /[?&]options=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${searchPath}${schemaOf(name)}`;
}

/** Which one takes the place there of one that a sink names: no name of an environment has a dollar sign. */
export function schemaBeside(environments: string, schema: string): string {
  return `${environments}$${schema}`;
}

/** Of an environment, that its database URL leads to. Undefined where that is whatever the role has. */
export function schemaIn(databaseUrl: string): string | undefined {
  return /[?&]options=-c%20search_path%3D(env_[a-z0-9_]+)$/.exec(databaseUrl)?.[1];
}

/** Of brokers each one, of a section any of its settings: a server of its own has room for its names. */
function namesEach(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(namesEach);
  if (typeof value === 'object' && value !== null) return Object.values(value).some(namesEach);
  return typeof value === 'string' && (value.includes(placeholder) || schemaIn(value) !== undefined);
}

function named(value: unknown, name: string): unknown {
  if (typeof value === 'string') return value.replaceAll(placeholder, name);
  if (Array.isArray(value)) return value.map((one) => named(one, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, named(one, name)]));
}

/** 0, any free one, where it has none yet. */
export function recordedPort(dataDir: string): number {
  try {
    const port = Number(/^\d{1,5}$/m.exec(readFileSync(join(dataDir, portFile), 'utf8'))?.[0] ?? 0);
    return port <= 65_535 ? port : 0;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return 0;
    throw error;
  }
}
