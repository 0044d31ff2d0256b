/**
 * A dbt project, read and checked as a whole: every file that has a part in it, the graph of its models, and what of dbt it uses that
 * is not supported, which is told with file and line (docs/decisions/models.md) before anything runs.
 */
import { basename, extname, join, posix } from 'node:path';
import { Fault } from '../../errors.ts';
import { Interpreter } from '../jinja/interpreter.ts';
import { parseTemplate } from '../jinja/parse.ts';
import type { JinjaNode, Template } from '../jinja/template.ts';
import { templateFault } from '../jinja/template.ts';
import { type Config, merged, textIn } from './configs.ts';
import { type Collected, contextOf, contextNames, refusedNames } from './context.ts';
import { orderOf } from './graph.ts';
import { filesIn, readText } from './project-files.ts';
import { type ColumnTest, type Properties, type SourceTable, readProperties } from './properties.ts';
import { type Relation, mainSchema, sqlOf } from './relation.ts';
import { type ProjectSettings, readSettings } from './settings.ts';

export type NodeKind = 'model' | 'seed' | 'test';

export interface ProjectNode {
  readonly kind: NodeKind;
  readonly name: string;
  /** From the project's directory, with `/`. */
  readonly path: string;
  /** The project, the folders and the name. */
  readonly fqn: readonly string[];
  readonly config: Config;
  readonly relation: Relation;
  /** Names of models and seeds. */
  readonly dependsOn: readonly string[];
  /** `source.table` */
  readonly sources: readonly string[];
  /** None of a seed. */
  readonly template: Template | undefined;
}

export interface Macro {
  readonly file: string;
  readonly name: string;
  readonly node: JinjaNode;
}

export interface ProjectOptions {
  readonly dir: string;
  /** Before those of the project. */
  readonly vars: Readonly<Record<string, unknown>>;
  /** What `env_var` reads. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Project {
  readonly options: ProjectOptions;
  readonly settings: ProjectSettings;
  /** Its own name; the catalog in DuckDB has it as well. */
  readonly database: string;
  /** Models and seeds that are enabled, each after those that it depends on. */
  readonly nodes: ReadonlyMap<string, ProjectNode>;
  /** Tests that are a file of their own. */
  readonly singularTests: readonly ProjectNode[];
  readonly columnTests: readonly ColumnTest[];
  readonly sources: readonly SourceTable[];
  readonly macros: readonly Macro[];
}

/** @throws Fault MODELS_INVALID */
export function readProject(options: ProjectOptions): Project {
  const settings = readSettings(options.dir);
  const properties: Properties = { sources: [], tests: [], models: new Map(), seeds: new Map() };
  for (const root of [...settings.modelPaths, ...settings.seedPaths])
    for (const path of filesIn(options.dir, root, ['.yml', '.yaml']))
      readProperties(join(options.dir, path), path, properties);
  const bare: Project = {
    options,
    settings,
    database: settings.name,
    nodes: new Map(),
    singularTests: [],
    columnTests: properties.tests,
    sources: properties.sources,
    macros: settings.macroPaths.flatMap((root) =>
      filesIn(options.dir, root, ['.sql']).flatMap((path) => readMacros(options.dir, path)),
    ),
  };
  checkMacros(bare.macros);
  const unordered = readNodes(bare, properties);
  checkRelations(unordered);
  const nodes = new Map(orderOf(unordered).map((node) => [node.name, node]));
  const singularTests = settings.testPaths.flatMap((root) =>
    filesIn(options.dir, root, ['.sql']).map((path) => collected(bare, fileNode(bare, 'test', root, path, {}), nodes)),
  );
  return { ...bare, nodes, singularTests: singularTests.filter(({ config }) => config['enabled'] !== false) };
}

function checkMacros(macros: readonly Macro[]): void {
  const files = new Map<string, string>();
  for (const { name, file, node } of macros) {
    const other = files.get(name);
    if (other !== undefined) throw templateFault(file, node.lineno, `the macro ${name} is in ${other}, too`);
    files.set(name, file);
  }
}

/** DuckDB does not tell names by their case. */
function checkRelations(nodes: ReadonlyMap<string, ProjectNode>): void {
  const paths = new Map<string, string>();
  for (const { relation, path } of nodes.values()) {
    const name = sqlOf(relation);
    const other = paths.get(name.toLowerCase());
    if (other !== undefined) throw new Fault('MODELS_INVALID', `${path}:1: ${name} is what ${other} makes, too`);
    paths.set(name.toLowerCase(), path);
  }
}

function readNodes(project: Project, properties: Properties): ReadonlyMap<string, ProjectNode> {
  const { options, settings } = project;
  const found = new Map<string, ProjectNode>();
  const add = (kind: 'model' | 'seed', root: string, path: string): void => {
    const name = basename(path, extname(path));
    const other = found.get(name);
    if (other) throw new Fault('MODELS_INVALID', `${path}:1: the name ${name} is that of ${other.path}`);
    found.set(name, fileNode(project, kind, root, path, properties[`${kind}s`].get(name)?.config ?? {}));
  };
  for (const root of settings.modelPaths) {
    for (const path of filesIn(options.dir, root, ['.sql'])) add('model', root, path);
    const [python] = filesIn(options.dir, root, ['.py', '.csv']);
    if (python !== undefined)
      throw new Fault('MODELS_INVALID', `${python}:1: models are SQL; others are not supported`);
  }
  for (const root of settings.seedPaths)
    for (const path of filesIn(options.dir, root, ['.csv'])) add('seed', root, path);
  for (const kind of ['models', 'seeds'] as const)
    for (const [name, { file }] of properties[kind])
      if (found.get(name)?.kind !== kind.slice(0, -1))
        throw new Fault(
          'MODELS_INVALID',
          `${file}:1: ${name} is described, and there is no such file among the ${kind}`,
        );
  const nodes = [...found.values()].map((node) => (node.template ? collected(project, node, found) : node));
  return new Map(nodes.filter(({ config }) => config['enabled'] !== false).map((node) => [node.name, node]));
}

function fileNode(project: Project, kind: NodeKind, root: string, path: string, properties: Config): ProjectNode {
  const { settings, options } = project;
  const name = basename(path, extname(path));
  const folders = posix.dirname(posix.relative(root, path)).split('/');
  const fqn = [settings.name, ...folders.filter((part) => part !== '.'), name];
  const text = kind === 'seed' ? undefined : readText(join(options.dir, path), path);
  const inFolders = kind === 'test' ? {} : settings.configOf(`${kind}s`, fqn);
  const config = merged(inFolders, properties);
  return {
    kind,
    name,
    path,
    fqn,
    config,
    dependsOn: [],
    sources: [],
    relation: relationOf(project.database, name, config),
    template: text === undefined ? undefined : parseTemplate(path, text, { isTrimmed: true }),
  };
}

export function relationOf(database: string, name: string, config: Config): Relation {
  const schema = textIn(config, 'schema');
  return {
    database,
    schema: schema === undefined ? mainSchema : `${mainSchema}_${schema.trim()}`,
    identifier: textIn(config, 'alias')?.trim() ?? name,
  };
}

/** With what its template says of itself: dependencies and configuration. It runs once for that, as in dbt. */
function collected(project: Project, node: ProjectNode, all: ReadonlyMap<string, ProjectNode>): ProjectNode {
  const { template } = node;
  if (template === undefined) return node;
  const into: Collected = { refs: new Set(), sources: new Set(), config: {} };
  const found = { ...project, nodes: all };
  interpreterOf(found, node, contextOf(found, node, { execute: false, into, isIncremental: () => false })).render(
    template,
  );
  const config = merged(node.config, into.config);
  return {
    ...node,
    config,
    relation: relationOf(project.database, node.name, config),
    dependsOn: [...into.refs],
    sources: [...into.sources],
  };
}

/** The SQL of a model or a test. @throws Fault MODELS_INVALID */
export function compileNode(project: Project, node: ProjectNode, isIncremental = false): string {
  if (node.template === undefined) return '';
  const context = contextOf(project, node, { execute: true, isIncremental: () => isIncremental });
  return interpreterOf(project, node, context).render(node.template);
}

function interpreterOf(project: Project, node: ProjectNode, context: ReturnType<typeof contextOf>): Interpreter {
  const interpreter = new Interpreter(context.globals, refusedNames);
  const own = new Map(project.macros.map(({ name, file, node: macro }) => [name, interpreter.macro(file, macro)]));
  for (const [name, macro] of own) interpreter.define(name, macro);
  if (node.template) interpreter.define(project.settings.name, context.namespace(own));
  return interpreter;
}

function readMacros(dir: string, path: string): readonly Macro[] {
  const { body } = parseTemplate(path, readText(join(dir, path), path));
  return body
    .filter(({ typename }) => typename === 'Macro')
    .map((node) => {
      const name = String(node.name.value);
      if (
        contextNames.has(name) ||
        refusedNames.has(name) ||
        /^(generate_(schema|alias|database)_name|.*__.*)$/.test(name)
      )
        throw templateFault(
          path,
          node.lineno,
          `a macro of the name ${name} would change dbt itself, which is not supported`,
        );
      return { file: path, name, node };
    });
}
