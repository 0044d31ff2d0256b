/** Says of each wrong setting where it was given, what was expected, and what was found. */
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { fileSettings, settings } from './settings.ts';

/** Where each top-level setting was given, such as `PORT in the environment`; what is missing stands in the file. */
export interface Origins {
  readonly named: ReadonlyMap<string, string>;
  /** The configuration file's path, where there is one. */
  readonly file: string | undefined;
}

type Path = readonly PropertyKey[];

/** One sentence for each problem, in the order of the settings. */
export function problems(error: z.ZodError, given: unknown, origins: Origins): readonly string[] {
  const found = error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key], origins));
    const value = valueAt(given, issue.path);
    const expected = issue.path.length === 0 || isSection(issue.path) ? 'an object of settings' : issue.message;
    return [`${place(issue.path, origins)}: expected ${expected}, got ${shown(value, issue.path)}`];
  });
  return [...new Set(found)];
}

/** Where a setting was given, or stands. */
export function place(path: Path, origins: Origins): string {
  const setting = dotted(path);
  const named = origins.named.get(setting) ?? origins.named.get(String(path[0]));
  if (named !== undefined) return named;
  if (origins.file === undefined) return setting;
  return setting === '' ? origins.file : `${origins.file}: ${setting}`;
}

function unknownKey(path: Path, origins: Origins): string {
  const at = place(path, { ...origins, named: new Map() });
  const key = String(path.at(-1));
  const near = nearest(key, knownKeys(path.slice(0, -1)));
  const meant = near === undefined ? '' : `; did you mean ${dotted([...path.slice(0, -1), near])}?`;
  return `${at} is not a setting${meant}`;
}

/** The nearest of the known names, where it is near enough to have been meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const near = closest(name, known);
  return distance(name.toLowerCase(), near.toLowerCase()) <= Math.max(2, Math.ceil(near.length / 3)) ? near : undefined;
}

function knownKeys(section: Path): readonly string[] {
  const shape = settings.unwrap().shape;
  if (section.length === 0) return Object.keys(shape);
  if (section[0] === 'log') return Object.keys(shape.log.unwrap().unwrap().shape);
  if (section[0] === 'ingest') return Object.keys(shape.ingest.unwrap().unwrap().shape);
  if (section[0] === 'kafka') return Object.keys(shape.kafka.unwrap().unwrap().shape);
  if (section[0] === 'objects') return Object.keys(shape.objects.unwrap().unwrap().shape);
  if (section[0] === 'tls') return Object.keys(shape.tls.unwrap().unwrap().shape);
  if (section[0] === 'files' && section.length === 2) return Object.keys(fileSettings.unwrap().shape);
  if (section[0] === 'traces') return Object.keys(shape.traces.unwrap().unwrap().shape);
  return [];
}

function isSection(path: Path): boolean {
  return path.length === 1 && knownKeys(path).length > 0;
}

function valueAt(given: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], given);
}

const secrets: ReadonlySet<string> = new Set([
  'adminToken',
  'accessKey',
  'redisUrl',
  'kafka.password',
  'traces.headers',
  'traces.endpoint',
  'objects.endpoint',
]);

function shown(value: unknown, path: Path): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  if (value === undefined) return 'nothing';
  const another = typeof value === 'string' ? 'another text' : 'no text'; // a number may be a password without its quotes
  if (path[0] === 'databaseUrl' || path[0] === 'schemaRegistryUrl')
    return `${another} (not shown: it may hold a password)`;
  if (secrets.has(dotted(path))) return `${another} (not shown: it is a secret)`;
  return JSON.stringify(value).slice(0, 80);
}

function dotted(path: Path): string {
  return path.reduce<string>(
    (text, key) => text + (typeof key === 'number' ? `[${key}]` : `${text && '.'}${String(key)}`),
    '',
  );
}
