/** Tables of the documentation against the code that they describe. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { suite, test } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/commands.ts';
import { loadConfig, variables } from '../../src/config/config.ts';
import { settings } from '../../src/config/settings.ts';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { addLiveGauges } from '../../src/telemetry/live-gauges.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { codesIn, documents, readDocument, root, tableOf } from './markdown.ts';

const readme = (firstTitle: string) => tableOf('README.md', firstTitle);

suite('tables of the README', () => {
  test('every setting, with its variable and its default', () => {
    const rows = readme('in the file').map((cells) => cells.map((cell) => codesIn(cell)[0]));
    const shape = settings.unwrap().shape;
    const sections = { log: 1, ingest: 1, tls: 1, kafka: 1, objects: 1, traces: 1 };
    const inside = (section: keyof typeof sections) =>
      Object.keys(shape[section].unwrap().unwrap().shape).map((key) => `${section}.${key}`);
    const known = Object.keys(shape).flatMap((key) => (key in sections ? inside(key as keyof typeof sections) : [key]));
    assert.deepEqual(rows.map(([key = '']) => key).toSorted(), known.toSorted());

    const fromVariable = Object.fromEntries(Object.entries(variables).map(([name, key]) => [key, name]));
    const config = loadConfig({ env: {}, flags: {}, workingDir: root, file: undefined });
    for (const [key = '', variable, value] of rows) {
      assert.ok(variable, key);
      assert.equal(variable, fromVariable[key], key);
      assert.equal(value, shownDefault(valueAt(config, key)), key);
    }
  });

  test('every command', async () => {
    const told = readme('command').map(([command = '']) => codesIn(command)[0]);
    assert.deepEqual(told, commandsOf(await createProgram()));
  });

  test('every metric', async () => {
    const { registry } = createMetrics();
    addLiveGauges(registry, { lag: async () => [], ingestBytes: () => 0, pool: () => undefined });
    const metrics = await registry.getMetricsAsJSON();
    const ours = metrics.map(({ name }) => name).filter((name) => name.startsWith('tributary_'));
    const told = readme('metric').flatMap(([names = '']) => codesIn(names));
    assert.deepEqual(told.toSorted(), ours.toSorted());
  });

  test('every part of the data directory', () => {
    const told = readme('in `.tributary`').flatMap(([name = '']) => codesIn(name));
    assert.deepEqual(told.toSorted(), Object.values(dataPaths('')).toSorted());
  });

  test('every room of the house', () => {
    const told = readme('room').flatMap(([name = '']) => codesIn(name));
    const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const expected = rooms.map(({ name }) => `src/${name}`);
    assert.deepEqual(told.filter((name) => name.startsWith('src/')).toSorted(), expected.toSorted());
  });
});

test('every npm script that the documentation names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
  const named = documents().flatMap((file) => [...readDocument(file).matchAll(/npm run (?:-s )?([a-z:-]+)/g)]);
  const missing = new Set(named.map(([, name]) => name as string).filter((name) => !Object.hasOwn(scripts, name)));
  assert.deepEqual([...missing], []);
});

test('docs/decisions/dependencies.md gives a reason for each dependency, and for no other', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, object>;
  const file = 'docs/decisions/dependencies.md';
  const told = readFileSync(join(root, file), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => codesIn(line.split('|')[1] ?? ''));
  const used = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((kind) =>
    Object.keys(manifest[kind] ?? {}),
  );
  assert.deepEqual(told.toSorted(), used.toSorted());
});

/** As the table writes them: `name <argument>`, in the order of the help. */
function commandsOf(program: Command): readonly string[] {
  return program.commands.flatMap((command) => {
    if (command.commands.length > 0) return command.commands.map((sub) => `${command.name()} ${usageOf(sub)}`);
    return [usageOf(command)];
  });
}

function usageOf(command: Command): string {
  return [command.name(), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ');
}

function shownDefault(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(Array.isArray(value) ? value.map(fromRoot) : fromRoot(value));
}

/** Paths as seen from the working directory or the package, which here are the same. */
function fromRoot(value: unknown): unknown {
  return typeof value === 'string' && value.startsWith(root) ? relative(root, value) : value;
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);
}
