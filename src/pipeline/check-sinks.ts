/** The sinks of a pipeline definition: see `define-pipeline.ts`. */
import type { Checker } from './checker.ts';

/** PostgreSQL's names without quotes. It cuts names at 63 bytes: a table leaves room for those of its partitions and indexes. */
const columnName = /^[a-z_][a-z0-9_]{0,62}$/;
const tableName = /^[a-z_][a-z0-9_]{0,47}$/;
const sinkName = /^[a-z][a-z0-9_-]{0,62}$/;
const columnTypes = ['timestamptz', 'uuid', 'text', 'jsonb'];

export function checkSinks(sinks: Checker): void {
  const firstOfName = new Map<unknown, Checker>();
  for (const sink of sinks.elements(1)) {
    sink.at('kind').oneOf(['objects', 'table']);
    if (sink.at('kind').value === 'table') checkTable(sink);
    else checkObjects(sink);
    const name = sink.at('name');
    const first = firstOfName.get(name.value);
    if (first) name.fail(`another name than ${first.path}, which checkpoints are kept under`);
    firstOfName.set(name.value, name);
  }
}

function checkObjects(sink: Checker): void {
  sink.members(['kind', 'name', 'key']);
  sink.at('name').pattern(sinkName, 'lower-case letters, digits, _ and -, a letter first, at most 63');
  sink.at('key').function();
}

function checkTable(sink: Checker): void {
  sink.members(['kind', 'name', 'columns', 'partitionBy', 'indexes', 'row'], ['correlationId']);
  sink.at('name').pattern(tableName, 'a table name: lower-case letters, digits and _, at most 48');
  sink.at('row').function();
  const columns = sink.at('columns');
  const names = columns.names(1);
  for (const name of names) {
    if (!columnName.test(name)) columns.at(name).fail('a column name of lower-case letters, digits and _, at most 63');
    columns.at(name).members(['type'], ['value']);
    columns.at(name).at('type').oneOf(columnTypes);
  }
  const partitionBy = sink.at('partitionBy');
  partitionBy.members(['column', 'every']);
  partitionBy.at('every').oneOf(['month']);
  const column = partitionBy.at('column');
  column.oneOf(names);
  if (columns.at(String(column.value)).at('type').value !== 'timestamptz') column.fail('a column of type timestamptz');
  checkCorrelationId(sink.at('correlationId'), columns, names);
  sink.at('indexes').distinct((index) => index.distinct((name) => name.oneOf(names), 1));
}

function checkCorrelationId(column: Checker, columns: Checker, names: readonly string[]): void {
  if (column.value === undefined) return;
  column.oneOf(names.filter((name) => columns.at(name).at('type').value === 'uuid'));
}
