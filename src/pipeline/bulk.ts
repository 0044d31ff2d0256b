/**
 * Batches of rows for a table, each all or nothing (D7): a plain description, checked when it is made.
 *
 *   bulk({
 *     name: 'rates',
 *     path: '/rates/batches',
 *     table: 'prices',
 *     columns: { orig_code: text(), day: day(), price: positiveInteger() },
 *     references: [{ columns: ['orig_code'], to: { table: 'ports', columns: ['code'] } }],
 *     onConflict: 'insert',
 *   })
 */
import { Checker } from './checker.ts';

export interface BulkColumn {
  readonly type: 'text' | 'day' | 'integer';
  /** Of an integer: the least that is taken. Default: what PostgreSQL's `integer` holds. */
  readonly least?: number;
}

/** A day, written `YYYY-MM-DD`; `date` in PostgreSQL. */
export const day = (): BulkColumn => ({ type: 'day' });
/** Digits, maybe with a minus before them, in JSON a number; `integer` in PostgreSQL. */
export const integer = (): BulkColumn => ({ type: 'integer' });
/** An integer above 0. */
export const positiveInteger = (): BulkColumn => ({ type: 'integer', least: 1 });

/** What stands in these columns of a row stands in those of another table, or the row is an error. */
export interface BulkReference<Name extends string = string> {
  readonly columns: readonly Name[];
  readonly to: { readonly table: string; readonly columns: readonly string[] };
}

export interface BulkDefinition<C extends Readonly<Record<string, BulkColumn>>> {
  /** Lower-case letters, digits and hyphens; idempotency keys belong to it. */
  readonly name: string;
  /** Batches come to `POST <path>`, and tell of themselves at `GET <path>/<id>`. */
  readonly path: string;
  /** Is there already, with at least these columns; the others have defaults. */
  readonly table: string;
  /** In the order in which they stand in a CSV without a header. None of them may be left out. */
  readonly columns: C;
  /** Default none. */
  readonly references?: readonly BulkReference<keyof NoInfer<C> & string>[];
  /** What becomes of a row whose primary key is there: an error, or the row takes the other's place. */
  readonly onConflict: 'insert' | 'upsert';
}

export type Bulk = Required<BulkDefinition<Readonly<Record<string, BulkColumn>>>>;

const sqlName = /^[a-z_][a-z0-9_]{0,62}$/;
const expectedName = 'a name of lower-case letters, digits and _, at most 63';

/** @throws Fault PIPELINE_INVALID */
export function bulk<const C extends Readonly<Record<string, BulkColumn>>>(definition: BulkDefinition<C>): Bulk {
  check(new Checker(definition, ''));
  return { references: [], ...definition };
}

function check(root: Checker): void {
  root.members(['name', 'path', 'table', 'columns', 'onConflict'], ['references']);
  root
    .at('name')
    .pattern(/^[a-z][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, a letter first, at most 63');
  root.at('path').pattern(/^(\/[A-Za-z0-9._~-]+)+$/, 'a path such as /rates/batches');
  root.at('table').pattern(sqlName, expectedName);
  root.at('onConflict').oneOf(['insert', 'upsert']);
  const columns = root.at('columns');
  for (const name of columns.names(1)) checkColumn(columns, name);
  const references = root.at('references');
  if (references.value !== undefined)
    references.distinct((reference) => checkReference(reference, Object.keys(columns.value as object)));
}

function checkColumn(columns: Checker, name: string): void {
  const column = columns.at(name);
  if (!sqlName.test(name)) column.fail(`${expectedName}, for a column`);
  column.members(['type'], ['least']);
  column.at('type').oneOf(['text', 'day', 'integer']);
  const least = column.at('least');
  if (least.value === undefined) return;
  if (column.at('type').value !== 'integer') least.fail('none: only integers have it');
  least.integer(-(2 ** 31), 2 ** 31 - 1);
}

function checkReference(reference: Checker, names: readonly string[]): void {
  reference.members(['columns', 'to']);
  reference.at('columns').distinct((name) => name.oneOf(names), 1);
  const to = reference.at('to');
  to.members(['table', 'columns']);
  to.at('table').pattern(sqlName, expectedName);
  const theirs = to.at('columns');
  theirs.distinct((name) => name.pattern(sqlName, expectedName), 1);
  const { length } = reference.at('columns').elements();
  if (theirs.elements().length !== length) theirs.fail(`as many columns as ${reference.path}.columns, ${length}`);
}
