/** Runs the tests of a project on the tables that the last run left: each is a query for the rows that should not be. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { reasonOf } from '../errors.ts';
import { valueOf } from './jinja/json.ts';
import { textOf } from './jinja/values.ts';
import { relationIn, locationOf } from './project/context.ts';
import { textIn } from './project/configs.ts';
import { type Project, compileNode } from './project/project.ts';
import type { ColumnTest } from './project/properties.ts';
import { quoteIdentifier, quoteText, sqlOf } from './project/relation.ts';
import { countRows } from './run-models.ts';

export interface ModelTest {
  readonly name: string;
  readonly severity: 'error' | 'warn';
  /** The rows that should not be. */
  readonly sql: () => string;
}

export interface TestResult {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'warned' | 'broken';
  /** How many rows should not be. */
  readonly rows?: number;
  readonly message?: string;
}

/** @param selected names of models and seeds; tests of sources come with any of the models that read them */
export function testsOf(project: Project, selected: ReadonlySet<string>): readonly ModelTest[] {
  const isAsked = ({ of }: ColumnTest): boolean => {
    if (!('source' in of)) return selected.has(of.name);
    return [...project.nodes.values()].some(
      ({ name, sources }) => selected.has(name) && sources.includes(`${of.source}.${of.name}`),
    );
  };
  const ofColumns = project.columnTests
    .filter((test) => test.config['enabled'] !== false && isAsked(test))
    .map((test) => ({ name: nameOf(test), severity: severityOf(test.config), sql: () => sqlOfTest(project, test) }));
  const singular = project.singularTests
    .filter(({ dependsOn }) => dependsOn.some((name) => selected.has(name)))
    .map((node) => ({ name: node.name, severity: severityOf(node.config), sql: () => compileNode(project, node) }));
  return [...ofColumns, ...singular].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export async function runTest(connection: DuckDBConnection, { name, severity, sql }: ModelTest): Promise<TestResult> {
  try {
    const rows = await countRows(connection, `(\n${sql()}\n)`);
    return { name, status: rows === 0 ? 'passed' : severity === 'warn' ? 'warned' : 'failed', rows };
  } catch (error) {
    return { name, status: 'broken', message: reasonOf(error) };
  }
}

function severityOf(config: Readonly<Record<string, unknown>>): 'error' | 'warn' {
  return /^warn$/i.test(textIn(config, 'severity') ?? '') ? 'warn' : 'error';
}

function nameOf({ kind, of, column, name, to, field }: ColumnTest): string {
  if (name !== undefined) return name;
  const table = 'source' in of ? `source_${of.source}_${of.name}` : of.name;
  const more = kind === 'relationships' ? `__${field}__${(to ?? '').replaceAll(/\W+/g, '_')}` : '';
  return `${kind}_${table}_${column}${more}`;
}

function sqlOfTest(project: Project, test: ColumnTest): string {
  const column = quoteIdentifier(test.column);
  const where = typeof test.config['where'] === 'string' ? ` WHERE ${test.config['where']}` : '';
  const table = `(SELECT * FROM ${tableOf(project, test)}${where}\n)`;
  const on = `FROM ${table} AS tested WHERE ${column}`;
  switch (test.kind) {
    case 'unique':
      return `SELECT ${column}, count(*) ${on} IS NOT NULL GROUP BY ${column} HAVING count(*) > 1`;
    case 'not_null':
      return `SELECT * ${on} IS NULL`;
    case 'accepted_values': {
      const values = test.values.map((value) =>
        test.isQuoted ? quoteText(textOf(valueOf(value))) : textOf(valueOf(value)),
      );
      return `SELECT ${column}, count(*) ${on} NOT IN (${values.join(', ')}) GROUP BY ${column}`;
    }
    case 'relationships':
    default: {
      const parent = relationIn(project, test.file, test.to ?? '').sql;
      const key = quoteIdentifier(test.field ?? '');
      return `SELECT child.* FROM ${table} AS child LEFT JOIN ${parent} AS parent ON child.${column} = parent.${key}
        WHERE child.${column} IS NOT NULL AND parent.${key} IS NULL`;
    }
  }
}

function tableOf(project: Project, { of, file }: ColumnTest): string {
  if (!('source' in of)) {
    const node = project.nodes.get(of.name);
    return node ? sqlOf(node.relation) : relationIn(project, file, `ref(${JSON.stringify(of.name)})`).sql;
  }
  const source = project.sources.find((one) => one.source === of.source && one.name === of.name);
  const location = source && locationOf(project, source);
  return location ?? relationIn(project, file, `source(${JSON.stringify(of.source)}, ${JSON.stringify(of.name)})`).sql;
}
