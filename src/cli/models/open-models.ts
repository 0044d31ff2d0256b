/** What every command on models starts from: the project, and where its tables and the objects that it reads are. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import { inPackage } from '../../config/package-root.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import { bringObjects, patternsIn } from '../../models/bring-objects.ts';
import type { DatabasePlace } from '../../models/database/models-database.ts';
import { locationOf } from '../../models/project/context.ts';
import { type Project, readProject } from '../../models/project/project.ts';
import { select } from '../../models/project/select.ts';
import { readYaml } from '../../models/project/yaml-values.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { type ConfigOptions, configOf } from '../options.ts';

export interface ModelsOptions extends ConfigOptions {
  readonly projectDir?: string;
  readonly vars?: string;
  readonly select?: readonly string[];
  readonly exclude?: readonly string[];
  readonly json?: true;
}

export interface OpenModels {
  readonly project: Project;
  readonly place: DatabasePlace;
  readonly selected: ReadonlySet<string>;
  /** Where queries find the objects, as files. */
  readonly objectsDir: string;
  /** They are elsewhere: files there are copies. */
  readonly areBrought: boolean;
  /** Opened at first use. */
  readonly objects: () => Promise<ObjectStore>;
}

/** @throws Fault MODELS_INVALID, USAGE, CONFIG_INVALID */
export function openModels(options: ModelsOptions): OpenModels {
  const config = configOf(options);
  const dir = resolve(options.projectDir ?? (existsSync('models/dbt_project.yml') ? 'models' : inPackage('models')));
  const paths = dataPaths(resolve(config.dataDir));
  const objectsDir = config.objects === undefined ? paths.objects : join(paths.models, 'objects');
  if (/['"{}*?[\]\n]/.test(objectsDir))
    throw new Fault(
      'CONFIG_INVALID',
      `models cannot read objects in ${objectsDir}: no quotes, braces or wildcards in the path`,
    );
  const env = { ...process.env, TRIBUTARY_OBJECTS: objectsDir };
  const project = readProject({ dir, vars: varsIn(options.vars), env });
  let objects: Promise<ObjectStore> | undefined;
  return {
    project,
    objectsDir,
    areBrought: config.objects !== undefined,
    place: { dir: paths.models, name: project.database },
    selected: select(project.nodes, options.select ?? [], options.exclude),
    objects: () => (objects ??= openObjectsOf(config)),
  };
}

/** The engine is loaded by those who use it: its clients of servers would be a fifth of a small run. */
async function openObjectsOf(config: Config): Promise<ObjectStore> {
  const { openObjects } = await import('../../engine/engine.ts');
  return openObjects(config);
}

/** What the selected models read, as files, where the object store is no directory. */
export async function fetchSources({ project, selected, objectsDir, objects, areBrought }: OpenModels): Promise<void> {
  if (!areBrought) return;
  const wanted = new Set(
    [...project.nodes.values()].filter(({ name }) => selected.has(name)).flatMap(({ sources }) => sources),
  );
  const used = project.sources.filter(({ source, name }) => wanted.has(`${source}.${name}`));
  const patterns = used.flatMap((source) => patternsIn(locationOf(project, source) ?? '', objectsDir));
  await bringObjects(await objects(), objectsDir, patterns);
}

function varsIn(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  const { value: vars, problem } = readYaml(text, () => true); // dbt does not render them, either
  if (problem) throw new Fault('USAGE', `--vars cannot be read: ${problem.message}`, { cause: problem.cause });
  if (typeof vars === 'object' && vars !== null && !Array.isArray(vars)) return vars as Record<string, unknown>;
  throw new Fault('USAGE', `--vars is expected to be a map, such as '{entities: pulled}'`);
}
