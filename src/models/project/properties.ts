/** The YAML files beside models and seeds: sources, configuration, and the tests of columns. */
import { type Config, modelKeys, problemOf, seedKeys, testKeys } from './configs.ts';
import { type Path, YamlFile, type YamlMap } from './yaml-file.ts';

export interface SourceTable {
  readonly source: string;
  readonly name: string;
  readonly identifier: string;
  readonly schema: string;
  readonly database: string | undefined;
  /** What stands in its place in a query; a template, and then with `{name}` and the like. */
  readonly externalLocation: string | undefined;
  /** File and line. */
  readonly file: string;
}

export interface ColumnTest {
  readonly kind: 'unique' | 'not_null' | 'accepted_values' | 'relationships';
  readonly column: string;
  /** A model or seed, or a table of a source. */
  readonly of: { readonly name: string } | { readonly source: string; readonly name: string };
  readonly values: readonly unknown[];
  readonly isQuoted: boolean;
  /** `ref('...')` or `source('...', '...')`: the template between the braces. */
  readonly to: string | undefined;
  readonly field: string | undefined;
  readonly config: Config;
  /** Its own name, where it has one. */
  readonly name: string | undefined;
  readonly file: string;
}

export interface NodeProperties {
  readonly config: Config;
  readonly file: string;
}

export interface Properties {
  readonly sources: SourceTable[];
  readonly tests: ColumnTest[];
  readonly models: Map<string, NodeProperties>;
  readonly seeds: Map<string, NodeProperties>;
}

/** Told to people alone. */
const ofReaders = ['description', 'docs', 'meta'];
/** Rendered, or told to people alone. */
const ofTemplates = ['external_location', 'to', 'description'];
const testKinds = ['unique', 'not_null', 'accepted_values', 'relationships'] as const;

/** @throws Fault MODELS_INVALID */
export function readProperties(path: string, file: string, into: Properties): void {
  const yaml = new YamlFile(path, file, ofTemplates);
  yaml.onlyKeys(yaml.value, [], ['version', 'models', 'seeds', 'sources', 'exposures', 'macros', 'analyses', 'groups']);
  for (const kind of ['models', 'seeds'] as const)
    for (const [i, value] of yaml.list(yaml.value[kind], [kind]).entries())
      readNode(yaml, kind, yaml.map(value, [kind, i]), [kind, i], into);
  for (const [i, value] of yaml.list(yaml.value['sources'], ['sources']).entries())
    readSource(yaml, yaml.map(value, ['sources', i]), ['sources', i], into);
}

function readNode(yaml: YamlFile, kind: 'models' | 'seeds', value: YamlMap, at: Path, into: Properties): void {
  yaml.onlyKeys(value, at, ['name', 'config', 'columns', ...ofReaders]);
  const name = yaml.text(value['name'], [...at, 'name']);
  if (into[kind].has(name))
    throw yaml.fault([...at, 'name'], `${name} is described in ${into[kind].get(name)?.file} already`);
  const config = yaml.map(value['config'] ?? {}, [...at, 'config']);
  checkConfig(yaml, config, [...at, 'config'], kind === 'models' ? modelKeys : seedKeys);
  into[kind].set(name, { config, file: yaml.file });
  readColumns(yaml, value, at, { name }, into);
}

function readSource(yaml: YamlFile, value: YamlMap, at: Path, into: Properties): void {
  yaml.onlyKeys(value, at, ['name', 'schema', 'database', 'tables', 'config', ...ofReaders]);
  const source = yaml.text(value['name'], [...at, 'name']);
  const outer = locationIn(yaml, value, at);
  for (const [i, one] of yaml.list(value['tables'], [...at, 'tables']).entries()) {
    const path = [...at, 'tables', i];
    const table = yaml.map(one, path);
    yaml.onlyKeys(table, path, ['name', 'identifier', 'columns', 'config', ...ofReaders]);
    const name = yaml.text(table['name'], [...path, 'name']);
    if (into.sources.some((other) => other.source === source && other.name === name))
      throw yaml.fault([...path, 'name'], `${source}.${name} is there twice`);
    into.sources.push({
      source,
      name,
      identifier: table['identifier'] === undefined ? name : yaml.text(table['identifier'], [...path, 'identifier']),
      schema: value['schema'] === undefined ? source : yaml.text(value['schema'], [...at, 'schema']),
      database: value['database'] === undefined ? undefined : yaml.text(value['database'], [...at, 'database']),
      externalLocation: locationIn(yaml, table, path) ?? outer,
      file: yaml.fault([...path, 'name'], '').message.replace(/: $/, ''),
    });
    readColumns(yaml, table, path, { source, name }, into);
  }
}

/** In `meta`, or in `config` or its `meta`. */
function locationIn(yaml: YamlFile, value: YamlMap, at: Path): string | undefined {
  const config = yaml.map(value['config'] ?? {}, [...at, 'config']);
  yaml.onlyKeys(config, [...at, 'config'], ['external_location', 'meta', 'enabled', 'tags']);
  if (config['enabled'] === false) throw yaml.fault([...at, 'config', 'enabled'], 'a source cannot be disabled');
  for (const [place, path] of [
    [yaml.map(config['meta'] ?? {}, [...at, 'config', 'meta']), [...at, 'config', 'meta']],
    [config, [...at, 'config']],
    [yaml.map(value['meta'] ?? {}, [...at, 'meta']), [...at, 'meta']],
  ] as const) {
    for (const key of ['plugin', 'formatter'])
      if (key in place) throw yaml.fault([...path, key], `${key} of a source is not supported`);
    if ('external_location' in place) return yaml.text(place['external_location'], [...path, 'external_location']);
  }
  return undefined;
}

function readColumns(yaml: YamlFile, value: YamlMap, at: Path, of: ColumnTest['of'], into: Properties): void {
  for (const [i, one] of yaml.list(value['columns'], [...at, 'columns']).entries()) {
    const path = [...at, 'columns', i];
    const column = yaml.map(one, path);
    yaml.onlyKeys(column, path, ['name', 'data_type', 'tests', 'data_tests', 'quote', 'config', ...ofReaders]);
    const name = yaml.text(column['name'], [...path, 'name']);
    for (const key of ['tests', 'data_tests'])
      for (const [j, test] of yaml.list(column[key], [...path, key]).entries())
        into.tests.push(readTest(yaml, test, [...path, key, j], name, of));
  }
}

function readTest(yaml: YamlFile, value: unknown, at: Path, column: string, of: ColumnTest['of']): ColumnTest {
  const [[given, body] = ['', {}], ...more] =
    typeof value === 'string' ? [[value, {}] as const] : Object.entries(yaml.map(value, at));
  const kind = testKinds.find((one) => one === given);
  if (kind === undefined || more.length > 0)
    throw yaml.fault(
      at,
      `${given === '' ? 'this' : given} is no test that is supported; known are ${testKinds.join(', ')}`,
    );
  const path = [...at, kind];
  const flat = yaml.map(body ?? {}, path);
  const parameters = { ...flat, ...yaml.map(flat['arguments'] ?? {}, [...path, 'arguments']) };
  const own = { unique: [], not_null: [], accepted_values: ['values', 'quote'], relationships: ['to', 'field'] }[kind];
  yaml.onlyKeys(parameters, path, ['name', 'config', 'arguments', 'description', 'severity', 'where', ...own]);
  const config = { ...pick(flat, ['severity', 'where']), ...yaml.map(flat['config'] ?? {}, [...path, 'config']) };
  checkConfig(yaml, config, [...path, 'config'], testKeys);
  if (kind === 'accepted_values' && yaml.list(parameters['values'], path).length === 0)
    throw yaml.fault(path, 'accepted_values needs values');
  const isRelation = kind === 'relationships';
  return {
    kind,
    column,
    of,
    values: yaml.list(parameters['values'], path),
    isQuoted: parameters['quote'] !== false,
    to: isRelation ? yaml.text(parameters['to'], [...path, 'to']) : undefined,
    field: isRelation ? yaml.text(parameters['field'], [...path, 'field']) : undefined,
    config,
    name: flat['name'] === undefined ? undefined : yaml.text(flat['name'], [...path, 'name']),
    file: yaml.fault(path, '').message.replace(/: $/, ''),
  };
}

function pick(value: YamlMap, keys: readonly string[]): YamlMap {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
}

function checkConfig(yaml: YamlFile, config: YamlMap, at: Path, keys: readonly string[]): void {
  for (const [key, value] of Object.entries(config)) {
    const problem = problemOf(key, value, keys);
    if (problem !== undefined) throw yaml.fault([...at, key], problem);
  }
}
