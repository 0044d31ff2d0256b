/** Who builds the same models from the same files: `tributary models run`, DuckDB's shell with the SQL that it compiles, and dbt; a process each. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inPackage } from '../../src/config/package-root.ts';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { openReader } from '../../src/models/database/models-database.ts';
import { compileNode, readProject } from '../../src/models/project/project.ts';
import { quoteIdentifier, sqlOf } from '../../src/models/project/relation.ts';
import { materializationOf } from '../../src/models/run-models.ts';
import type { Command } from './timed-process.ts';

export type ContestantName = 'tributary' | 'DuckDB shell' | 'dbt';

export interface Contestant {
  readonly name: ContestantName;
  readonly command: Command;
  /** Its tables are gone, as before the first run. */
  readonly forget: () => Promise<void>;
  /** Of each table how many rows it has, and what they are, whatever their order. */
  readonly tables: () => Promise<Tables>;
}

export type Tables = Readonly<Record<string, string>>;

const project = 'lake';

/** @param dataDir has the objects */
export async function tributary(dataDir: string): Promise<Contestant> {
  const place = { dir: dataPaths(dataDir).models, name: project };
  const program = ['--max-semi-space-size=8', inPackage('bin/tributary.js')];
  const args = [...program, 'models', 'run', '--data-dir', dataDir, '--project-dir', inPackage('models')];
  return {
    name: 'tributary',
    command: { path: process.execPath, args, env: { MALLOC_ARENA_MAX: '2' }, workingDir: dataDir },
    forget: () => rm(place.dir, { recursive: true, force: true }),
    tables: () => tablesIn(place),
  };
}

/** All in one process: what the run compiles, and what it puts around that. */
export async function duckDbShell(path: string, dataDir: string): Promise<Contestant> {
  const dir = join(dataDir, 'shell');
  await mkdir(dir);
  const env = { TRIBUTARY_OBJECTS: dataPaths(dataDir).objects };
  const models = readProject({ dir: inPackage('models'), vars: {}, env });
  const statements = [...models.nodes.values()].map((node) => {
    const kind = materializationOf(node);
    if (kind !== 'table' && kind !== 'view') throw new Error(`${node.path} is no table`);
    return `CREATE OR REPLACE ${kind} ${sqlOf(node.relation)} AS (\n${compileNode(models, node, false)}\n);\n`;
  });
  await writeFile(join(dir, 'run.sql'), statements.join('\n'));
  const database = `${project}.duckdb`;
  return {
    name: 'DuckDB shell',
    command: { path, args: ['-no-init', '-bail', '-f', 'run.sql', database], env: {}, workingDir: dir },
    forget: () => rm(join(dir, database), { force: true }),
    tables: () => tablesIn({ dir, name: project }),
  };
}

/** A project of its own, since dbt writes into it: what it has read of it it keeps there from one run to the next. */
export async function dbt(python: string, dataDir: string): Promise<Contestant> {
  const dir = join(dataDir, 'dbt');
  await cp(inPackage('models'), dir, { recursive: true });
  const database = join(dir, `${project}.duckdb`);
  const usual = ['--no-send-anonymous-usage-stats', '--no-use-colors', '--no-version-check'];
  const args = ['-m', 'dbt.cli.main', ...usual, 'run', '--project-dir', dir, '--profiles-dir', dir];
  const env = { TRIBUTARY_OBJECTS: dataPaths(dataDir).objects, LAKE_DATABASE: database, DO_NOT_TRACK: '1' };
  return {
    name: 'dbt',
    command: { path: python, args, env, workingDir: dir },
    forget: () => rm(database, { force: true }),
    tables: () => tablesByPython(python, database),
  };
}

const listed = `SELECT table_name FROM information_schema.tables WHERE table_catalog = '${project}' ORDER BY ALL`;
const summary = `SELECT format('{} rows, {}', count(*), bit_xor(md5_number_lower(CAST(one AS VARCHAR)))) FROM {} AS one`;

async function tablesIn(place: { readonly dir: string; readonly name: string }): Promise<Tables> {
  const database = await openReader(place);
  if (database === undefined) throw new Error(`there is nothing in ${place.dir}`);
  const rowsOf = async (sql: string) => (await database.connection.runAndReadAll(sql)).getRowsJS() as string[][];
  const tables: Record<string, string> = {};
  for (const [name = ''] of await rowsOf(listed))
    tables[name] = (await rowsOf(summary.replace(/\{\}(?= AS one)/, quoteIdentifier(name))))[0]?.[0] ?? '';
  await database.close();
  return tables;
}

/** Its DuckDB may be newer than ours, which could not read the file then. */
const script = `
import duckdb, json, sys
connection = duckdb.connect(sys.argv[1], read_only=True)
connection.execute('SET enable_progress_bar = false') # it would go to standard output
names = [name for (name,) in connection.execute(sys.argv[2]).fetchall()]
before, after = sys.argv[3].rsplit('{}', 1)
print(json.dumps({name: connection.execute(before + '"' + name + '"' + after).fetchone()[0] for name in names}))
`;

async function tablesByPython(python: string, database: string): Promise<Tables> {
  const { stdout } = await promisify(execFile)(python, ['-c', script, database, listed, summary]);
  return JSON.parse(stdout) as Tables;
}
