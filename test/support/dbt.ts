/** dbt itself, with DuckDB, as scripts/install-dbt.sh brings it. */
import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cleanEnvironment } from './program.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** Its python, or why there is none. */
export async function findDbt(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const { stdout, stderr } = await run(join(root, 'scripts/install-dbt.sh'), { timeout: 280_000 });
  const python = stdout.trim();
  return python === '' ? { missing: stderr.trim() } : { python };
}

export interface DbtOptions {
  readonly python: string;
  /** The project, with its profiles. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

const runAll = `
import json, shutil, sys
from dbt.cli.main import dbtRunner
for number, args in enumerate(json.loads(sys.argv[1])):
    result = dbtRunner().invoke(args)
    if not result.success:
        sys.exit('dbt ' + ' '.join(args) + ' failed: ' + str(result.exception or ''))
    shutil.copytree('target/compiled', 'target/compiled-%d' % number)
`;

/** Runs commands in one process: most of the time of one is that its code is loaded. It fails where one of them does. */
export async function dbt(commands: readonly (readonly string[])[], { python, dir, env }: DbtOptions): Promise<void> {
  const usual = ['--no-send-anonymous-usage-stats', '--no-use-colors', '--no-version-check', '--no-write-json'];
  const all = commands.map(([name = '', ...args]) => [
    ...usual,
    name,
    ...args,
    '--project-dir',
    dir,
    '--profiles-dir',
    dir,
  ]);
  try {
    await run(python, ['-c', runAll, JSON.stringify(all)], {
      cwd: dir,
      env: cleanEnvironment({ ...env, DO_NOT_TRACK: '1' }),
    });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(stdout + stderr, { cause: error });
  }
}

/** Of the command of that number, by the model's name. */
export async function compiledByDbt(dir: string, command: number): Promise<ReadonlyMap<string, string>> {
  const found = await readdir(join(dir, `target/compiled-${command}`), { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile() && !entry.parentPath.endsWith('.yml'));
  return new Map(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        return [name.replace(/[.]sql$/, ''), await readFile(join(parentPath, name), 'utf8')] as const;
      }),
    ),
  );
}

export interface Table {
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** As text, in an order of their own. */
  readonly rows: readonly string[];
}

const script = `
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
tables = connection.execute("select table_schema, table_name from information_schema.tables order by all").fetchall()
found = {}
for schema, name in tables:
    quoted = '"%s"."%s"' % (schema, name)
    columns = [[row[0], row[1]] for row in connection.execute('describe ' + quoted).fetchall()]
    found[schema + '.' + name] = {'columns': columns, 'rows': sorted(repr(row) for row in connection.execute('from ' + quoted).fetchall())}
print(json.dumps(found))
`;

/** All tables and views of a DuckDB file, ours or dbt's, as one DuckDB reads them. */
export async function tablesIn(python: string, file: string): Promise<Readonly<Record<string, Table>>> {
  const { stdout } = await run(python, ['-c', script, file], { maxBuffer: 64 << 20 });
  return JSON.parse(stdout) as Record<string, Table>;
}
