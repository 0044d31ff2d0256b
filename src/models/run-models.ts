/**
 * Builds models and seeds, each after those that it needs. What fails leaves its table as it was, and those that need it are left out;
 * the others go on. All that was built is seen at once, when the run ends (database/models-database.ts).
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { Fault, isFault } from '../errors.ts';
import { isKey } from '../stores/objects/object-key-check.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import {
  type Existing,
  existing,
  materializeExternal,
  materializeTable,
  materializeView,
} from './database/materialize.ts';
import { bringObject } from './bring-objects.ts';
import { type DatabaseBuild, type DatabasePlace, inSpace, openBuild, type Stored } from './database/models-database.ts';
import { failureOf, SqlFailure } from './failure.ts';
import { loadSeed } from './database/seed.ts';
import { textIn } from './project/configs.ts';
import { type Project, type ProjectNode, compileNode } from './project/project.ts';
import { sqlOf } from './project/relation.ts';

export interface ModelResult {
  readonly name: string;
  /** `seed`, or how it is materialized. */
  readonly materialized: string;
  readonly status: 'built' | 'failed' | 'left out';
  /** Of a table or a seed. */
  readonly rows?: number;
  readonly ms: number;
  /** Why it failed or was left out. */
  readonly message?: string;
}

export interface RunOptions {
  readonly project: Project;
  readonly place: DatabasePlace;
  /** Names of models and seeds. */
  readonly selected: ReadonlySet<string>;
  /** Incremental models are made anew. */
  readonly fullRefresh: boolean;
  /** Where external models put their files. */
  readonly objects: () => Promise<ObjectStore>;
  /** As queries name the objects. */
  readonly objectsDir: string;
  /** They are elsewhere, and files there are copies of them (bring-objects.ts). */
  readonly areBrought: boolean;
  readonly onResult: (result: ModelResult, done: number, of: number) => void;
}

/** @throws Fault MODELS_BUSY, MODELS_NO_SPACE */
export async function runModels(options: RunOptions): Promise<readonly ModelResult[]> {
  const { project, selected, place } = options;
  const nodes = [...project.nodes.values()].filter(({ name }) => selected.has(name));
  const build = await openBuild(place, (stored) =>
    stored.every((one) => nodes.some((node) => isMadeAnew(options, node, one))),
  );
  const told = new Set<string>();
  const onResult = (result: ModelResult, done: number): void => {
    if (!told.has(result.name) || result.status !== 'built') options.onResult(result, done, nodes.length);
    told.add(result.name);
  };
  try {
    const all = { ...options, onResult };
    const results = (build.beganEmpty && (await buildAll(all, build, nodes, true))) || (await again(all, build, nodes));
    if (results.some(({ status }) => status === 'built')) await build.publish();
    return results;
  } finally {
    await build.close();
  }
}

/** On all that is there: a model that fails keeps its table, and one that reads what no `ref` tells of finds it. */
async function again(options: RunOptions, build: DatabaseBuild, nodes: readonly ProjectNode[]): Promise<Results> {
  if (build.beganEmpty) await build.startOver();
  return (await buildAll(options, build, nodes, false)) ?? [];
}

function isMadeAnew({ fullRefresh }: RunOptions, node: ProjectNode, { schema, name, kind }: Stored): boolean {
  const { relation, config } = node;
  if (kind === 'other' || relation.schema !== schema || relation.identifier !== name) return false;
  return materializationOf(node) !== 'incremental' || Boolean(config['full_refresh'] ?? fullRefresh);
}

type Results = readonly ModelResult[];

/** @returns undefined where it was to end with the first that is not built */
async function buildAll(
  options: RunOptions,
  build: DatabaseBuild,
  nodes: readonly ProjectNode[],
  endsWithFailure: boolean,
): Promise<Results | undefined> {
  const results = new Map<string, ModelResult>();
  for (const node of nodes) {
    const result = await buildOne(options, build.connection, node, results);
    if (endsWithFailure && result.status !== 'built') return undefined;
    results.set(node.name, result);
    options.onResult(result, results.size, nodes.length);
  }
  return [...results.values()];
}

export function materializationOf({ kind, config }: ProjectNode): string {
  return kind === 'seed' ? 'seed' : (textIn(config, 'materialized') ?? 'view');
}

async function buildOne(
  options: RunOptions,
  connection: DuckDBConnection,
  node: ProjectNode,
  before: ReadonlyMap<string, ModelResult>,
): Promise<ModelResult> {
  const about = { name: node.name, materialized: materializationOf(node) };
  const missing = node.dependsOn.find((name) => before.has(name) && before.get(name)?.status !== 'built');
  if (missing !== undefined) return { ...about, status: 'left out', ms: 0, message: `it needs ${missing}` };
  const startMs = performance.now();
  const ms = (): number => Math.round(performance.now() - startMs);
  try {
    await inSpace(options.place.dir, () => materialize(options, connection, node));
    const rows = ['view', 'external'].includes(about.materialized)
      ? undefined
      : await countRows(connection, sqlOf(node.relation));
    return { ...about, status: 'built', ...(rows !== undefined && { rows }), ms: ms() };
  } catch (error) {
    if (isFault(error) && error.code !== 'MODELS_INVALID') throw error;
    return { ...about, status: 'failed', ms: ms(), message: failureOf(options.project, node, error) };
  }
}

async function materialize(options: RunOptions, connection: DuckDBConnection, node: ProjectNode): Promise<void> {
  const { project, fullRefresh } = options;
  const { relation, config } = node;
  const kind = materializationOf(node);
  if (kind === 'seed')
    return loadSeed(connection, { relation, config, path: join(project.options.dir, node.path), file: node.path });
  const there: Existing = await existing(connection, relation);
  const isIncremental = kind === 'incremental' && there === 'table' && !(config['full_refresh'] ?? fullRefresh);
  const sql = compileNode(project, node, isIncremental);
  if (isBlank(sql)) throw new Fault('MODELS_INVALID', `${node.path}: it compiles to no SQL`);
  const model = { relation, config, sql, isIncremental };
  try {
    if (kind === 'view') await materializeView(connection, model);
    else if (kind === 'external') await external(options, connection, node, model);
    else await materializeTable(connection, model);
  } catch (error) {
    throw isFault(error) ? error : new SqlFailure(sql, error);
  }
}

function isBlank(sql: string): boolean {
  return (
    sql
      .replaceAll(/--.*$/gm, '')
      .replaceAll(/\/\*[^]*?\*\//g, '')
      .trim() === ''
  );
}

async function external(
  { place, objects, objectsDir, areBrought }: RunOptions,
  connection: DuckDBConnection,
  node: ProjectNode,
  model: Parameters<typeof materializeExternal>[1],
): Promise<void> {
  const path = textIn(node.config, 'location');
  const isInside = path?.startsWith(`${objectsDir}/`) && isKey(path.slice(objectsDir.length + 1));
  if (path === undefined || !isInside)
    throw new Fault(
      'MODELS_INVALID',
      `${node.path}:1: an external model needs a location in the object store: env_var('TRIBUTARY_OBJECTS') ~ '/...'`,
    );
  const format = textIn(node.config, 'format') ?? (extname(path).slice(1) || 'parquet');
  if (!['parquet', 'csv', 'json'].includes(format))
    throw new Fault('MODELS_INVALID', `${node.path}:1: ${format} is no format that is supported: parquet, csv or json`);
  const file = join(place.dir, `building.${format}`);
  await mkdir(place.dir, { recursive: true });
  const keep = async (): Promise<void> => {
    const key = path.slice(objectsDir.length + 1);
    const store = await objects();
    await store.put(key, await readFile(file));
    if (areBrought) await bringObject(store, objectsDir, key);
  };
  try {
    await materializeExternal(connection, model, { file, path, format, keep });
  } finally {
    await rm(file, { force: true });
  }
}

export async function countRows(connection: DuckDBConnection, from: string): Promise<number> {
  const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from}`);
  return Number(counted.getRowsJS()[0]?.[0]);
}
