/**
 * dbt itself on the same files: what we compile is what it compiles, letter by letter, and what we build is what it builds, for our own
 * project and for one made to use every feature that is supported (project/).
 */
import assert from 'node:assert/strict';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { compiledByDbt, dbt, findDbt, tablesIn } from '../support/dbt.ts';
import { scratch } from '../support/program.ts';
import { runOf } from './built-models.ts';
import { writeLake } from './lake-files.ts';

const found = await findDbt();
const skip = 'missing' in found ? found.missing : false;
const timeout = 280_000;

interface Comparison {
  readonly project: string;
  readonly name: string;
  /** Of each of the runs. */
  readonly vars: readonly Readonly<Record<string, unknown>>[];
  readonly fill: (objects: string) => Promise<void>;
}

/** Runs both; the objects of both are at the same path, since that stands in their SQL. */
async function compare(t: TestContext, { project, name, vars, fill }: Comparison): Promise<void> {
  assert.ok('python' in found);
  const { python } = found;
  const dir = await scratch(t);
  const objects = join(dir, 'objects');
  await mkdir(objects);
  await fill(objects);
  const copy = join(dir, 'project');
  await cp(join(import.meta.dirname, '../..', project), copy, { recursive: true });
  const file = join(dir, `${name}.duckdb`);
  const env = { TRIBUTARY_OBJECTS: objects, [`${name.toUpperCase()}_DATABASE`]: file };
  const commands = vars.map((given) => ['build', '--vars', JSON.stringify(given)]);
  await dbt(commands, { python, dir: copy, env });

  const place = { dir: join(dir, 'models'), name };
  for (const [i, given] of vars.entries()) {
    const { compiled, results } = await runOf({ dir: copy, vars: given, objects, place });
    assert.deepEqual(
      results.filter(({ status }) => status !== 'built'),
      [],
    );
    const theirs = await compiledByDbt(copy, i);
    assert.ok(compiled.size > 0);
    for (const [model, sql] of compiled) assert.equal(sql, theirs.get(model), `${model} is compiled as dbt does`);
  }
  assert.deepEqual(await tablesIn(python, join(place.dir, `${name}.duckdb`)), await tablesIn(python, file));
}

test('the project with every feature becomes what dbt makes of it, twice', { skip, timeout }, async (t) => {
  await compare(t, {
    project: 'test/models/project',
    name: 'features',
    vars: [{}, { added: 1, smallest: 1 }],
    fill: async (objects) => {
      await mkdir(join(objects, 'raw'));
      await mkdir(join(objects, 'exports')); // dbt makes none
      await writeFile(join(objects, 'raw/orders.csv'), 'id,name\n1,x\n2,"y, ""z"""\n');
    },
  });
});

test('the project of the lake becomes what dbt makes of it', { skip, timeout }, async (t) => {
  await compare(t, {
    project: 'models',
    name: 'lake',
    vars: [{}],
    fill: (objects) => writeLake(objects, { seed: 'dbt', sessions: 2000 }),
  });
});
