/**
 * The configuration of models and seeds: from `dbt_project.yml` by folder, from YAML beside the files, from `config()` in them; the
 * later counts, tags add up. Keys that are not known are refused, since a model without what its author asked for is wrong.
 */
import { isDeepStrictEqual } from 'node:util';

export type Config = Readonly<Record<string, unknown>>;

const materializations = ['view', 'table', 'incremental', 'external'] as const;

const common = ['tags', 'schema', 'alias', 'enabled', 'meta', 'docs', 'full_refresh'];
const ofModels = [
  ...'materialized unique_key incremental_strategy on_schema_change location format delimiter persist_docs'.split(' '),
  ...'contract'.split(' '),
];
export const modelKeys: readonly string[] = [...common, ...ofModels];
export const seedKeys: readonly string[] = [...common, 'column_types', 'delimiter', 'quote_columns'];
export const testKeys: readonly string[] = ['severity', 'where', 'tags', 'enabled', 'meta'];

const choices: Readonly<Record<string, readonly unknown[]>> = {
  materialized: materializations,
  incremental_strategy: ['append', 'delete+insert'],
  on_schema_change: ['ignore'],
  format: ['parquet', 'csv', 'json'],
  severity: ['error', 'warn', 'ERROR', 'WARN'],
  persist_docs: [{}],
  contract: [{ enforced: false }],
};
const booleans = ['enabled', 'full_refresh', 'quote_columns'];
const texts = ['schema', 'alias', 'location', 'delimiter', 'where'];

/** What dbt has where nothing is said, as `config.get` tells it: of those that it knows, its default never counts. */
const usual: Config = { enabled: true, tags: [], meta: {}, persist_docs: {}, on_schema_change: 'ignore' };
const usuallyNone = ['schema', 'alias', 'full_refresh', 'unique_key', 'incremental_strategy'];

export function usualConfig(key: string, kind: 'model' | 'seed' | 'test'): unknown {
  if (key === 'materialized') return kind === 'model' ? 'view' : kind;
  if (usuallyNone.includes(key)) return null;
  return Object.hasOwn(usual, key) ? usual[key] : undefined;
}

/** What is wrong with one of them, in words. */
export function problemOf(key: string, value: unknown, known: readonly string[]): string | undefined {
  if (!known.includes(key)) return `the config ${key} is not supported here; known are ${known.join(', ')}`;
  if (value === null) return undefined;
  const choice = choices[key];
  if (choice && !choice.some((one) => isDeepStrictEqual(one, value)))
    return `${key} is expected to be one of ${choice.map((one) => JSON.stringify(one)).join(', ')}, not ${JSON.stringify(value)}`;
  if (booleans.includes(key) && typeof value !== 'boolean') return `${key} is expected to be true or false`;
  if (texts.includes(key) && typeof value !== 'string') return `${key} is expected to be text`;
  if (['tags', 'unique_key'].includes(key) && !isTexts(value))
    return `${key} is expected to be text or a list of texts`;
  if (key === 'column_types' && !Object.values(value as object).every((type) => typeof type === 'string'))
    return 'column_types is expected to be a map of names and types';
  return undefined;
}

function isTexts(value: unknown): boolean {
  return typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
}

/** Of which the later adds to what is there. */
const mapKeys = ['meta', 'column_types'];

/** @param added counts before what is there */
export function merged(config: Config, added: Config): Config {
  const tags = [...new Set([...textsOf(config['tags']), ...textsOf(added['tags'])])];
  const maps = mapKeys
    .filter((key) => config[key] && added[key])
    .map((key) => [key, { ...(config[key] as object), ...(added[key] as object) }]);
  return { ...config, ...added, ...Object.fromEntries(maps), ...(tags.length > 0 && { tags }) };
}

export function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.map(String) : [];
}

export function textIn(config: Config, key: string): string | undefined {
  const value = config[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
