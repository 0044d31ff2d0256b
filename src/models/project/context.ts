/** What dbt gives templates beside what jinja2 does: `ref`, `source`, `config`, `var` and the rest that is supported. */
import { asText, bind } from '../jinja/arguments.ts';
import { builtins } from '../jinja/builtins.ts';
import { Interpreter, MacroReturn } from '../jinja/interpreter.ts';
import { jsonOf, parseJson, valueOf } from '../jinja/json.ts';
import { parseTemplate } from '../jinja/parse.ts';
import {
  Callable,
  type Keywords,
  TemplateError,
  Thing,
  Tuple,
  type Value,
  isTrue,
  itemsOf,
  textOf,
} from '../jinja/values.ts';
import { modelKeys, problemOf, merged, usualConfig } from './configs.ts';
import type { Project, ProjectNode } from './project.ts';
import type { SourceTable } from './properties.ts';
import { mainSchema, thingOf } from './relation.ts';

/** What a template says of itself when it runs for the first time. */
export interface Collected {
  readonly refs: Set<string>;
  readonly sources: Set<string>;
  config: Readonly<Record<string, unknown>>;
}

export interface ContextOptions {
  readonly execute: boolean;
  /** Where it runs to be known, not to be run. */
  readonly into?: Collected;
  readonly isIncremental: () => boolean;
}

export interface Context {
  readonly globals: ReadonlyMap<string, Value>;
  readonly namespace: (macros: ReadonlyMap<string, Value>) => Thing;
}

/** Names of dbt's that have a meaning, and none here. */
export const refusedNames: ReadonlySet<string> = new Set([
  ...'adapter run_query statement load_result store_result graph model modules run_started_at'.split(' '),
  ...'invocation_id flags builtins dbt dbt_version selected_resources local_md5 toyaml fromyaml set'.split(' '),
  ...'set_strict zip_strict doc thread_id api column pre_hooks post_hooks sql metric context render'.split(' '),
  ...'diff_of_two_dicts submit_python_job project_name invocation_args_dict connection_name lipsum cycler'.split(' '),
  ...'joiner self'.split(' '),
]);

/** A function of the context. */
function call(
  name: string,
  parameters: readonly string[],
  what: (...args: (Value | undefined)[]) => Value,
): readonly [string, Callable] {
  return [name, new Callable(name, (args, keywords) => what(...bind(name, parameters, args, keywords)))];
}

export function contextOf(project: Project, node: ProjectNode, options: ContextOptions): Context {
  const { into } = options;
  const globals = new Map<string, Value>([
    ...builtins,
    ['execute', options.execute],
    ['this', thingOf(node.relation)],
    ['database', project.database],
    ['schema', mainSchema],
    ['target', targetOf(project)],
    ['config', configOf(node, into)],
    ['exceptions', exceptions],
    call('ref', ['name', 'second?'], (first, second) => refTo(project, node, into, first, second)),
    call('source', ['source', 'table'], (source, table) => sourceOf(project, into, source, table)),
    ['var', varsOf(project)],
    call('env_var', ['name', 'default?'], (name, instead) => envVar(project, name, instead)),
    call('is_incremental', [], options.isIncremental),
    call('log', ['text', 'info?'], () => ''),
    call('print', ['text'], () => ''),
    call('tojson', ['value', 'default?', 'sort_keys?'], (value = null, _, sorted) =>
      jsonOf(value, sorted !== undefined && isTrue(sorted)),
    ),
    call('fromjson', ['text', 'default?'], (text, instead) => fromJson(asText('fromjson', text), instead)),
    ['zip', new Callable('zip', zip)],
    [
      'return',
      new Callable('return', (args, keywords) => returned(bind('return', ['value?'], args, keywords)[0] ?? null)),
    ],
  ]);
  return { globals, namespace: (macros) => new Thing(macros) };
}

/** A project's macro cannot have these names. */
export const contextNames: ReadonlySet<string> = new Set([
  ...'execute this database schema target config exceptions ref source var env_var is_incremental log'.split(' '),
  ...'print tojson fromjson zip return loop caller varargs kwargs'.split(' '),
  ...builtins.keys(),
]);

function refTo(
  project: Project,
  node: ProjectNode,
  into: Collected | undefined,
  first: Value | undefined,
  second: Value | undefined,
): Value {
  const [scope, name] = second === undefined ? [undefined, first] : [first, second];
  if (scope !== undefined && scope !== project.settings.name)
    throw new TemplateError('ref of another package is not supported');
  const wanted = asText('ref', name);
  const found = project.nodes.get(wanted);
  if (found === undefined) throw new TemplateError(`there is no model or seed ${wanted}`);
  if (into) into.refs.add(wanted);
  else if (!node.dependsOn.includes(wanted))
    throw new TemplateError(
      `ref('${wanted}') is only met when the model runs: write -- depends_on: {{ ref('${wanted}') }}`,
    );
  return thingOf(found.relation);
}

function sourceOf(
  project: Project,
  into: Collected | undefined,
  source: Value | undefined,
  table: Value | undefined,
): Value {
  const [group, name] = [asText('source', source), asText('source', table)];
  const found = project.sources.find((one) => one.source === group && one.name === name);
  if (found === undefined) throw new TemplateError(`there is no source ${group}.${name}`);
  into?.sources.add(`${group}.${name}`);
  const relation = { database: found.database ?? project.database, schema: found.schema, identifier: found.identifier };
  const location = locationOf(project, found);
  if (location === undefined) return thingOf(relation);
  return new Thing(thingOf(relation).attributes, location);
}

/**
 * What stands in a query in the place of a source that is no table of the database, as dbt-duckdb writes it: a path in quotes, or a
 * function as it is. @throws Fault MODELS_INVALID
 */
export function locationOf(project: Project, source: SourceTable): string | undefined {
  if (source.externalLocation === undefined) return undefined;
  const globals = new Map<string, Value>([
    ['var', varsOf(project)],
    ['env_var', new Callable('env_var', ([name, instead]) => envVar(project, name, instead))],
  ]);
  const rendered = new Interpreter(globals, refusedNames).render(parseTemplate(source.file, source.externalLocation));
  const fields: Readonly<Record<string, string>> = {
    name: source.name,
    identifier: source.identifier,
    schema: source.schema,
    database: source.database ?? project.database,
  };
  const filled = rendered.replaceAll(/\{\{|\}\}|\{([^{}]*)\}|[{}]/g, (whole, field?: string) => {
    if (whole === '{{' || whole === '}}') return whole.slice(1);
    const value = field !== undefined && Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (value === undefined)
      throw new TemplateError(`${whole} in the external_location of ${source.source}.${source.name} is not supported`);
    return value;
  });
  return filled.includes('(') || filled.startsWith("'") ? filled : `'${filled}'`;
}

function configOf(node: ProjectNode, into: Collected | undefined): Thing {
  const get = (args: readonly Value[], keywords: Keywords): Value => {
    const [key, instead] = bind('config.get', ['name', 'default?', 'validator?'], args, keywords);
    const name = asText('config.get', key);
    const own = Object.hasOwn(node.config, name) ? node.config[name] : undefined;
    const value = own ?? usualConfig(name, node.kind);
    return value === undefined ? (instead ?? null) : valueOf(value);
  };
  const collect = (args: readonly Value[], keywords: Keywords): Value => {
    const [map] = bind('config', ['config?'], args, new Map());
    if (map !== undefined && !(map instanceof Map)) throw new TemplateError('config takes names and values');
    for (const [key, value] of [...(map ?? []), ...keywords]) {
      const plain = plainOf(value);
      const problem = problemOf(textOf(key), plain, node.kind === 'test' ? [...modelKeys, 'severity'] : modelKeys);
      if (problem !== undefined) throw new TemplateError(problem);
      if (into) into.config = merged(into.config, { [textOf(key)]: plain });
    }
    return '';
  };
  return new Thing(new Map([['get', new Callable('config.get', get)]]), undefined, collect);
}

/** As JavaScript has it. */
function plainOf(value: Value): unknown {
  if (Array.isArray(value) || value instanceof Tuple) return itemsOf(value).map(plainOf);
  if (value instanceof Map)
    return Object.fromEntries(Array.from(value, ([key, member]) => [textOf(key), plainOf(member)]));
  return value === null || typeof value !== 'object' ? value : JSON.parse(jsonOf(value, false));
}

function varsOf(project: Project): Thing {
  const vars = { ...project.settings.vars, ...project.options.vars };
  const has = (args: readonly Value[], keywords: Keywords): Value =>
    Object.hasOwn(vars, asText('var.has_var', bind('var.has_var', ['name'], args, keywords)[0]));
  const read = (args: readonly Value[], keywords: Keywords): Value => {
    const [name, instead] = bind('var', ['name', 'default?'], args, keywords);
    const key = asText('var', name);
    if (Object.hasOwn(vars, key)) return valueOf(vars[key]);
    if (instead === undefined)
      throw new TemplateError(`there is no variable ${key}: name it in dbt_project.yml or with --vars`);
    return instead;
  };
  return new Thing(new Map([['has_var', new Callable('var.has_var', has)]]), undefined, read);
}

function envVar(project: Project, name: Value | undefined, instead: Value | undefined): Value {
  const key = asText('env_var', name);
  if (key.startsWith('DBT_ENV_SECRET')) throw new TemplateError('secrets in models are not supported');
  const found = Object.hasOwn(project.options.env, key) ? project.options.env[key] : undefined;
  if (found !== undefined) return found;
  if (instead === undefined || instead === null) throw new TemplateError(`the environment has no ${key}`);
  return instead;
}

function targetOf({ database, settings }: Project): Thing {
  const attributes = {
    name: 'dev',
    type: 'duckdb',
    database,
    schema: mainSchema,
    profile_name: settings.name,
    target_name: 'dev',
  };
  return new Thing(new Map<string, Value>(Object.entries(attributes)));
}

const exceptions = new Thing(
  new Map<string, Value>([
    [
      'raise_compiler_error',
      new Callable('raise_compiler_error', ([text = 'an error']) => {
        throw new TemplateError(textOf(text));
      }),
    ],
    ['warn', new Callable('warn', () => '')],
  ]),
);

function returned(value: Value): never {
  throw new MacroReturn(value);
}

function zip(args: readonly Value[]): Value {
  const lists = args.map(itemsOf);
  const length = Math.min(...lists.map((list) => list.length));
  return Array.from(
    { length: lists.length === 0 ? 0 : length },
    (_, i) => new Tuple(lists.map((list) => list[i] ?? null)),
  );
}

function fromJson(text: string, instead: Value | undefined): Value {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    if (instead === undefined) throw new TemplateError(`fromjson cannot read it: ${error.message}`, { cause: error });
    return instead;
  }
}

/** For tests of columns: the relation that `to: ref('users')` names. @throws Fault MODELS_INVALID */
export function relationIn(project: Project, file: string, text: string): { sql: string; name: string | undefined } {
  const into: Collected = { refs: new Set(), sources: new Set(), config: {} };
  const node = { kind: 'test', name: '', dependsOn: [], config: {} } as unknown as ProjectNode;
  const globals = new Map<string, Value>([
    ['ref', new Callable('ref', ([first, second]) => refTo(project, node, into, first, second))],
    ['source', new Callable('source', ([source, table]) => sourceOf(project, into, source, table))],
  ]);
  const inner = text.trim().replace(/^\{\{(.*)\}\}$/s, '$1');
  const sql = new Interpreter(globals, refusedNames).render(parseTemplate(file, `{{ ${inner} }}`));
  return { sql, name: [...into.refs][0] };
}
