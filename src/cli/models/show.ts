/** `tributary models show`: the models and what is there of each, or the first rows of one. */
import { nearest } from '../../config/problems.ts';
import { Fault } from '../../errors.ts';
import { existing } from '../../models/database/materialize.ts';
import { openReader } from '../../models/database/models-database.ts';
import { sqlOf } from '../../models/project/relation.ts';
import { runQuery } from '../../models/query.ts';
import { countRows, materializationOf } from '../../models/run-models.ts';
import type { ShowCommandOptions } from '../models.ts';
import { writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { noneYet } from './none-yet.ts';
import { type OpenModels, openModels } from './open-models.ts';
import { writeResult } from './query.ts';

export async function show(name: string | undefined, options: ShowCommandOptions): Promise<void> {
  const open = openModels(options);
  if (name === undefined) return list(open, options.json === true);
  const node = open.project.nodes.get(name);
  if (node === undefined) {
    const near = nearest(name, [...open.project.nodes.keys()]);
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    throw new Fault('USAGE', `there is no model or seed ${name}${meant}`);
  }
  const database = await openReader(open.place);
  if (database === undefined) throw noneYet(open.place);
  try {
    await writeResult(
      await runQuery(database.connection, `FROM ${sqlOf(node.relation)} LIMIT ${options.limit}`),
      options,
    );
  } finally {
    await database.close();
  }
}

async function list({ project, place }: OpenModels, isJson: boolean): Promise<void> {
  const database = await openReader(place);
  const found: { name: string; materialized: string; needs: readonly string[]; there: string; rows?: number }[] = [];
  try {
    for (const node of project.nodes.values()) {
      const there = database && (await existing(database.connection, node.relation));
      const rows = there === 'table' ? await countRows(database!.connection, sqlOf(node.relation)) : undefined;
      const needs = [...node.dependsOn, ...node.sources];
      const about = { name: node.name, materialized: materializationOf(node), needs, there: there ?? 'not built' };
      found.push({ ...about, ...(rows !== undefined && { rows }) });
    }
  } finally {
    await database?.close();
  }
  if (isJson) return writeLine(JSON.stringify(found));
  const titles = ['model', 'materialized', 'is', 'rows', 'needs'];
  const columns = titles.map((title) => ({ title, align: title === 'rows' ? ('right' as const) : ('left' as const) }));
  const rows = found.map(({ name, materialized, there, rows: count, needs }) => [
    name,
    materialized,
    there,
    count === undefined ? '' : String(count),
    needs.join(', '),
  ]);
  await writeLine(renderTable(columns, rows, outputWidth()));
}
