/** A project built in this process, as `tributary models run` does. */
import { existing } from '../../src/models/database/materialize.ts';
import { type DatabasePlace, openReader } from '../../src/models/database/models-database.ts';
import { type Project, compileNode, readProject } from '../../src/models/project/project.ts';
import { type QueryResult, runQuery } from '../../src/models/query.ts';
import { type ModelResult, materializationOf, runModels } from '../../src/models/run-models.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';

export interface Built {
  readonly project: Project;
  /** As the run compiled them, by the model's name. */
  readonly compiled: ReadonlyMap<string, string>;
  readonly results: readonly ModelResult[];
}

export interface BuildOptions {
  readonly dir: string;
  readonly vars?: Readonly<Record<string, unknown>>;
  readonly objects: string;
  readonly place: DatabasePlace;
  readonly onResult?: (result: ModelResult) => void;
}

export async function runOf({ dir, vars = {}, objects, place, onResult }: BuildOptions): Promise<Built> {
  const project = readProject({ dir, vars, env: { TRIBUTARY_OBJECTS: objects } });
  const compiled = await compiledBefore(project, place);
  const results = await runModels({
    project,
    place,
    selected: new Set(project.nodes.keys()),
    fullRefresh: false,
    objects: () => openDirectoryStore({ dir: objects }),
    objectsDir: objects,
    areBrought: false,
    onResult: onResult ?? (() => undefined),
  });
  return { project, compiled, results };
}

async function compiledBefore(project: Project, place: DatabasePlace): Promise<ReadonlyMap<string, string>> {
  const database = await openReader(place);
  const compiled = new Map<string, string>();
  for (const node of project.nodes.values()) {
    if (node.template === undefined) continue;
    const there = database && (await existing(database.connection, node.relation));
    const isIncremental = materializationOf(node) === 'incremental' && there === 'table';
    compiled.set(node.name, compileNode(project, node, isIncremental));
  }
  await database?.close();
  return compiled;
}

export async function queryOn(place: DatabasePlace, sql: string): Promise<QueryResult> {
  const database = await openReader(place);
  if (database === undefined) throw new Error(`there is nothing in ${place.dir}`);
  try {
    return await runQuery(database.connection, sql);
  } finally {
    await database.close();
  }
}
