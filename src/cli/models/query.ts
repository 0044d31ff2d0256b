/** `tributary models query`: the result of SQL on the models, as a table or as JSON. */
import { openReader } from '../../models/database/models-database.ts';
import { type QueryResult, runQuery } from '../../models/query.ts';
import { writeLine } from '../output.ts';
import { outputWidth, renderTable } from '../table.ts';
import { visibleJson } from '../visible.ts';
import { noneYet } from './none-yet.ts';
import { type ModelsOptions, openModels } from './open-models.ts';

export async function query(sql: string, options: ModelsOptions): Promise<void> {
  const { place } = openModels(options);
  const database = await openReader(place);
  if (database === undefined) throw noneYet(place);
  try {
    await writeResult(await runQuery(database.connection, sql), options);
  } finally {
    await database.close();
  }
}

export async function writeResult({ columns, rows }: QueryResult, { json }: { json?: true }): Promise<void> {
  if (json) {
    const objects = rows.map((row) =>
      visibleJson(JSON.stringify(Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])))),
    );
    return writeLine(`[${objects.join(',\n')}]`);
  }
  const shown = columns.map(({ name, isNumber }) => ({
    title: name,
    align: isNumber ? ('right' as const) : ('left' as const),
  }));
  const texts = rows.map((row) => row.map(textOf));
  const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
  await writeLine(`${renderTable(shown, texts, outputWidth())}\n${count}`);
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'object' ? JSON.stringify(value) : `${value as string | number | boolean}`;
}
