/** The sinks of a pipeline definition: see `define-pipeline.ts`. */
import type { Checker } from './checker.ts';

/** PostgreSQL's names without quotes. It cuts names at 63 bytes: a table leaves room for those of its partitions and indexes. */
const columnName = /^[a-z_][a-z0-9_]{0,62}$/;
const tableName = /^[a-z_][a-z0-9_]{0,47}$/;
const sinkName = /^[a-z][a-z0-9_-]{0,62}$/;
const columnTypes = ['timestamptz', 'timestamp', 'uuid', 'text', 'jsonb', 'bigint', 'double', 'boolean'];
const historyColumns = ['valid_from', 'valid_to', 'is_current'];
const expectedTable = 'a table name: lower-case letters, digits and _, at most 48';

export function checkSinks(sinks: Checker): void {
  const firstOfName = new Map<unknown, Checker>();
  for (const sink of sinks.elements(1)) {
    sink.at('kind').oneOf(['objects', 'table', 'dimension']);
    if (sink.at('kind').value === 'table') checkTable(sink);
    else if (sink.at('kind').value === 'dimension') checkDimension(sink);
    else checkObjects(sink);
    for (const name of [sink.at('name'), sink.at('history')]) {
      if (name.value === undefined) continue;
      const first = firstOfName.get(name.value);
      if (first) name.fail(`another name than ${first.path}, which checkpoints are kept under`);
      firstOfName.set(name.value, name);
    }
  }
}

function checkObjects(sink: Checker): void {
  sink.members(['kind', 'name', 'key']);
  sink.at('name').pattern(sinkName, 'lower-case letters, digits, _ and -, a letter first, at most 63');
  sink.at('key').function();
}

function checkTable(sink: Checker): void {
  sink.members(['kind', 'name', 'columns', 'partitionBy', 'indexes', 'row'], ['correlationId']);
  const { columns, names } = checkRows(sink);
  const partitionBy = sink.at('partitionBy');
  partitionBy.members(['column', 'every']);
  partitionBy.at('every').oneOf(['month']);
  const column = partitionBy.at('column');
  column.oneOf(names);
  const time = columns.at(String(column.value));
  if (time.at('type').value !== 'timestamptz' || time.at('nullable').value === true)
    column.fail('a column of type timestamptz that is not nullable');
  checkCorrelationId(sink.at('correlationId'), columns, names);
  sink.at('indexes').distinct((index) => index.distinct((name) => name.oneOf(names), 1));
}

function checkDimension(sink: Checker): void {
  sink.members(['kind', 'name', 'columns', 'key', 'order', 'keep', 'correlationId', 'row'], ['history', 'schema']);
  if (sink.at('schema').value !== undefined)
    sink.at('schema').pattern(tableName, 'the name of a schema: lower-case letters, digits and _, at most 48');
  const { columns, names } = checkRows(sink);
  const key = sink.at('key');
  const order = sink.at('order');
  const isOrdered = (name: string): boolean =>
    columns.at(name).at('type').value !== 'jsonb' && columns.at(name).at('nullable').value !== true;
  const ordered = names.filter(isOrdered);
  key.distinct((name) => name.oneOf(ordered), 1);
  order.distinct((name) => name.oneOf(ordered.filter((one) => !(key.value as unknown[]).includes(one))), 1);
  sink.at('keep').oneOf(['last', 'first']);
  checkCorrelationId(sink.at('correlationId'), columns, names);
  if (sink.at('history').value !== undefined) checkHistory(sink, columns, names);
}

function checkHistory(sink: Checker, columns: Checker, names: readonly string[]): void {
  const history = sink.at('history');
  history.pattern(tableName, expectedTable);
  if (sink.at('keep').value === 'first') history.fail('none where the first version is kept');
  for (const name of names)
    if (historyColumns.includes(name)) columns.at(name).fail('another name, which is none of the history');
  const [from] = sink.at('order').elements() as [Checker];
  const times = names.filter((name) => String(columns.at(name).at('type').value).startsWith('timestamp'));
  from.oneOf(times);
}

function checkRows(sink: Checker): { columns: Checker; names: readonly string[] } {
  sink.at('name').pattern(tableName, expectedTable);
  sink.at('row').function();
  const columns = sink.at('columns');
  const names = columns.names(1);
  for (const name of names) {
    if (!columnName.test(name)) columns.at(name).fail('a column name of lower-case letters, digits and _, at most 63');
    columns.at(name).members(['type'], ['nullable', 'value']);
    columns.at(name).at('type').oneOf(columnTypes);
  }
  return { columns, names };
}

function checkCorrelationId(column: Checker, columns: Checker, names: readonly string[]): void {
  if (column.value === undefined) return;
  column.oneOf(names.filter((name) => columns.at(name).at('type').value === 'uuid'));
}
