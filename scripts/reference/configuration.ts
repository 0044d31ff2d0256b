/** Every setting: where it is given, its default, what it accepts. What it means stands in the README, whose table a test holds to the code. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { loadConfig, variables } from '../../src/config/config.ts';
import { settings } from '../../src/config/settings.ts';
import { code, plain, table } from './markdown.ts';

export function configurationPage(root: string): string {
  const meanings = meaningsIn(readFileSync(join(root, 'README.md'), 'utf8'));
  const environment = new Map<string, string>(Object.entries(variables).map(([name, setting]) => [setting, name]));
  const defaults = loadConfig({ env: {}, flags: {}, workingDir: root, file: undefined });
  const rows = settingNames().map((name) => [
    code(name),
    environment.has(name) ? code(environment.get(name) as string) : '',
    shown(valueAt(defaults, name), root),
    plain(accepted(name)),
    meanings.get(name) ?? '',
  ]);
  return `# Configuration

Flags win over the environment, that over the file (\`tributary.config.json\` in the working directory, or \`--config FILE\`), that
over the defaults. Unknown keys are errors. Relative paths of the file are taken from its directory, others from the working
directory; a name with a dot is a member of an object in the file.

${table(['setting', 'environment', 'default', 'accepts', 'meaning'], rows)}
`;
}

const sections = ['kafka', 'objects', 'log', 'ingest', 'traces', 'tls'] as const;

function settingNames(): readonly string[] {
  const { shape } = settings.unwrap();
  return Object.keys(shape).flatMap((name) => {
    const section = sections.find((each) => each === name);
    if (section === undefined) return [name];
    return Object.keys(shape[section].unwrap().unwrap().shape).map((inner) => `${section}.${inner}`);
  });
}

/** What the setting says of a value that nothing accepts. */
function accepted(name: string): string {
  const [section = '', inner] = name.split('.');
  const wrong = Symbol('wrong');
  const { error } = settings.safeParse({ [section]: inner === undefined ? wrong : { [inner]: wrong } });
  const issue = error?.issues.find(({ path }) => path.join('.') === name);
  if (issue === undefined) throw new Error(`${name} accepts everything`);
  return issue.message;
}

function shown(value: unknown, root: string): string {
  if (value === undefined) return 'none';
  const fromRoot = (each: unknown): unknown =>
    typeof each === 'string' && each.startsWith(root) ? relative(root, each) : each;
  return code(JSON.stringify(Array.isArray(value) ? value.map(fromRoot) : fromRoot(value)));
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);
}

/** By setting, of the table that begins with `in the file`. */
function meaningsIn(readme: string): ReadonlyMap<string, string> {
  const [, body = ''] = readme.split(/^\| in the file .*\n\|[- |]+\n/m);
  const lines = body.slice(0, body.indexOf('\n\n')).split('\n');
  const cells = lines.map((line) => line.split('|').map((cell) => cell.trim()));
  return new Map(cells.map((row) => [(row[1] ?? '').replaceAll('`', ''), row[4] ?? '']));
}
