/** `dbt_project.yml`: where the files are, variables, and configuration by folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../../errors.ts';
import { type Config, merged, modelKeys, problemOf, seedKeys } from './configs.ts';
import { type Path, YamlFile, type YamlMap } from './yaml-file.ts';

export interface ProjectSettings {
  readonly name: string;
  readonly modelPaths: readonly string[];
  readonly seedPaths: readonly string[];
  readonly testPaths: readonly string[];
  readonly macroPaths: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  /** @param fqn the project, the folders, and the file's name */
  readonly configOf: (kind: 'models' | 'seeds', fqn: readonly string[]) => Config;
}

const fileName = 'dbt_project.yml';
/** Read by dbt alone: how it connects, what it shows and where it writes. */
const ofDbtAlone = [
  ...'version config-version profile analysis-paths asset-paths docs-paths target-path log-path'.split(' '),
  ...'clean-targets require-dbt-version flags'.split(' '),
];
const known = [
  ...'name model-paths seed-paths test-paths macro-paths snapshot-paths vars models seeds'.split(' '),
  ...ofDbtAlone,
];
const packages = ['packages.yml', 'dependencies.yml'];

/** @throws Fault MODELS_INVALID */
export function readSettings(dir: string): ProjectSettings {
  if (!existsSync(join(dir, fileName)))
    throw new Fault('MODELS_INVALID', `there is no ${fileName} in ${dir}: name the directory of a dbt project`);
  const foreign = packages.find((name) => existsSync(join(dir, name)));
  if (foreign !== undefined) throw new Fault('MODELS_INVALID', `${foreign}:1: packages are not supported`);
  const yaml = new YamlFile(join(dir, fileName), fileName, ['vars', ...ofDbtAlone]);
  const { value } = yaml;
  yaml.onlyKeys(value, [], known);
  const name = yaml.text(value['name'], ['name']);
  if (!/^[a-z_]\w*$/i.test(name)) throw yaml.fault(['name'], 'name is expected to be of letters, digits and _');
  const paths = (key: string, usual: string): readonly string[] => {
    const given = yaml.list(value[key], [key]).map((path, i) => yaml.text(path, [key, i]));
    return given.length > 0 ? given : [usual];
  };
  refuseFilesIn(dir, paths('snapshot-paths', 'snapshots'), 'snapshots');
  const trees = {
    models: readTree(yaml, 'models', name, modelKeys),
    seeds: readTree(yaml, 'seeds', name, seedKeys),
  };
  return {
    name,
    modelPaths: paths('model-paths', 'models'),
    seedPaths: paths('seed-paths', 'seeds'),
    testPaths: paths('test-paths', 'tests'),
    macroPaths: paths('macro-paths', 'macros'),
    vars: varsOf(yaml, name),
    configOf: (kind, fqn) =>
      trees[kind]
        .filter(({ at }) => at.every((part, i) => part === fqn[i]))
        .reduce((all, { config }) => merged(all, config), {}),
  };
}

function refuseFilesIn(dir: string, paths: readonly string[], what: string): void {
  for (const path of paths) {
    const [file] = existsSync(join(dir, path)) ? readdirSync(join(dir, path)) : [];
    if (file !== undefined) throw new Fault('MODELS_INVALID', `${path}/${file}:1: ${what} are not supported`);
  }
}

/** Those of the project count before those of all. */
function varsOf(yaml: YamlFile, name: string): Readonly<Record<string, unknown>> {
  const vars = yaml.map(yaml.value['vars'] ?? {}, ['vars']);
  const own = yaml.map(vars[name] ?? {}, ['vars', name]);
  return { ...Object.fromEntries(Object.entries(vars).filter(([key]) => key !== name)), ...own };
}

interface FolderConfig {
  readonly at: readonly string[];
  readonly config: Config;
}

/** From the outside in. */
function readTree(yaml: YamlFile, kind: 'models' | 'seeds', project: string, keys: readonly string[]): FolderConfig[] {
  const found: FolderConfig[] = [];
  const visit = (value: YamlMap, path: Path, at: readonly string[]): void => {
    const config: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      const plain = key.replace(/^\+/, '');
      const isFolder = plain === key && typeof member === 'object' && member !== null && !Array.isArray(member);
      if (isFolder) continue;
      const problem = problemOf(plain, member, keys);
      if (problem !== undefined) throw yaml.fault([...path, key], problem);
      config[plain] = member;
    }
    found.push({ at, config });
    for (const [key, member] of Object.entries(value))
      if (!(key.replace(/^\+/, '') in config)) visit(yaml.map(member, [...path, key]), [...path, key], [...at, key]);
  };
  const tree = yaml.map(yaml.value[kind] ?? {}, [kind]);
  for (const key of Object.keys(tree))
    if (!key.startsWith('+') && key !== project && !keys.includes(key))
      throw yaml.fault([kind, key], `${key} is not this project, ${project}`);
  visit(tree, [kind], []);
  return found;
}
