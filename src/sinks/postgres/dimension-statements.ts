/**
 * The SQL that merges staged rows into the tables of a dimension. What it leaves is a function of all versions that were ever staged:
 *
 * - A version is a key and an order. Of several rows of one version the one whose other columns are greater, byte by byte, counts.
 * - The current table has the last version of each key (or the first).
 * - The history has every version; `valid_from` is the first column of the order, `valid_to` that of the next version.
 *
 * Only the versions that are staged and those right before them are written.
 */
import { escapeIdentifier as quoted } from 'pg';
import type { Dimension, StagingTables } from './dimension-tables.ts';
import { namesOf } from './table-statements.ts';
import { quotedTable } from '../../pipeline/row-tables.ts';

/** The parts of statements that a dimension is made of. */
interface Parts {
  readonly all: readonly string[];
  readonly key: readonly string[];
  readonly order: readonly string[];
  /** Neither key nor order. */
  readonly rest: readonly string[];
  readonly from: string;
}

function partsOf({ columns, key, order }: Dimension): Parts {
  const all = Object.keys(columns);
  const rest = all.filter((column) => !key.includes(column) && !order.includes(column));
  return { all, key, order, rest, from: quoted(order[0] as string) };
}

function historyOf({ schema, history }: Dimension): string {
  return quotedTable({ schema, name: history as string });
}

/** `a.x, a.y` */
function columnsIn(table: string, columns: readonly string[], suffix = ''): string {
  return columns.map((column) => `${table}.${quoted(column)}${suffix}`).join(', ');
}

function same(one: string, other: string, columns: readonly string[]): string {
  return `(${columnsIn(one, columns)}) = (${columnsIn(other, columns)})`;
}

/** All columns as one value, which PostgreSQL compares byte by byte, NULLs too. */
function image(table: string, columns: readonly string[]): string {
  return `ROW(${columnsIn(table, columns)})::record`;
}

function assignments(columns: readonly string[]): string {
  return columns.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join(', ');
}

/** Whether the row that was to be inserted counts rather than the one that is there. */
function countsMore(table: string, { order, rest }: Parts, keep: 'last' | 'first'): string {
  const [later, greater] = keep === 'last' ? ['>', '*>'] : ['<', '*<'];
  const sooner = `(${columnsIn('excluded', order)}) ${later} (${columnsIn(table, order)})`;
  if (rest.length === 0) return sooner;
  return `(${sooner} OR ${same('excluded', table, order)} AND ${image('excluded', rest)} ${greater} ${image(table, rest)})`;
}

/** The staged rows, one for each of `columns`: the one that counts. */
function staged({ rows }: StagingTables, parts: Parts, columns: readonly string[], keep: 'last' | 'first'): string {
  const { all, key, order, rest } = parts;
  const [direction, operator] = keep === 'last' ? ['DESC', '*>'] : ['ASC', '*<'];
  const byRest = rest.length === 0 ? '' : `, ${image('s', rest)} USING ${operator}`;
  const inOrder = `${columnsIn('s', key)}, ${columnsIn('s', order, ` ${direction}`)}`;
  return `SELECT DISTINCT ON (${columnsIn('s', columns)}) ${columnsIn('s', all)} FROM ${rows} s ORDER BY ${inOrder}${byRest}`;
}

/** @param replaces rows of these events give way to what their events are today: $1 */
export function mergeCurrent(dimension: Dimension, tables: StagingTables, replaces: boolean): string {
  const parts = partsOf(dimension);
  const { all, key, order, rest } = parts;
  const { keep, correlationId } = dimension;
  const isReplaced = replaces ? ` OR c.${quoted(correlationId)} = ANY ($1::uuid[])` : '';
  return `INSERT INTO ${quotedTable(dimension)} AS c (${namesOf(all)}) ${staged(tables, parts, key, keep)}
    ON CONFLICT (${namesOf(key)}) DO UPDATE SET ${assignments([...order, ...rest])}
    WHERE ${countsMore('c', parts, keep)}${isReplaced}`;
}

/** The versions right before staged ones end where these begin. */
export function endPredecessors(dimension: Dimension, { rows }: StagingTables): string {
  const { key, order, from } = partsOf(dimension);
  const history = historyOf(dimension);
  const version = [...key, ...order];
  return `UPDATE ${history} h SET valid_to = ended.valid_to, is_current = false FROM (
      SELECT ${columnsIn('before', version)}, LEAST(before.valid_to, min(s.${from})) AS valid_to
      FROM (SELECT DISTINCT ${namesOf(version)} FROM ${rows}) s
      CROSS JOIN LATERAL (
        SELECT ${columnsIn('b', version)}, b.valid_to FROM ${history} b
        WHERE ${same('b', 's', key)} AND (${columnsIn('b', order)}) < (${columnsIn('s', order)})
        ORDER BY ${columnsIn('b', order, ' DESC')} LIMIT 1) before
      GROUP BY ${columnsIn('before', version)}, before.valid_to) ended
    WHERE ${same('h', 'ended', version)} AND (h.is_current OR h.valid_to IS DISTINCT FROM ended.valid_to)`;
}

/** Each ends where the next one begins, staged or there: the least beginning of those that follow. */
export function insertVersions(dimension: Dimension, tables: StagingTables): string {
  const parts = partsOf(dimension);
  const { all, key, order, from } = parts;
  const history = historyOf(dimension);
  const version = [...key, ...order];
  const nextStaged = `lead(v.${from}) OVER (PARTITION BY ${columnsIn('v', key)} ORDER BY ${columnsIn('v', order)})`;
  return `INSERT INTO ${history} AS h (${namesOf(all)}, valid_from, valid_to, is_current)
    SELECT ${columnsIn('v', all)}, v.${from}, LEAST(v.next_staged, later.next), COALESCE(v.next_staged, later.next) IS NULL
    FROM (SELECT ${columnsIn('v', all)}, ${nextStaged} AS next_staged FROM (${staged(tables, parts, version, 'last')}) v) v
    LEFT JOIN LATERAL (
      SELECT l.${from} AS next FROM ${history} l
      WHERE ${same('l', 'v', key)} AND (${columnsIn('l', order)}) > (${columnsIn('v', order)})
      ORDER BY ${columnsIn('l', order)} LIMIT 1) later ON true
    ${onSameVersion(parts)}`;
}

function onSameVersion(parts: Parts): string {
  const { key, order, rest } = parts;
  const action =
    rest.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${assignments(rest)} WHERE ${image('excluded', rest)} *> ${image('h', rest)}`;
  return `ON CONFLICT (${namesOf([...key, ...order])}) DO ${action}`;
}

/** Versions of events that land again go, and their keys are noted: $1 their correlation ids, between $2 and $3. */
export function takeVersions(dimension: Dimension, { keys }: StagingTables): string {
  const { key } = partsOf(dimension);
  const id = `h.${quoted(dimension.correlationId)}`;
  return `WITH gone AS (
      DELETE FROM ${historyOf(dimension)} h USING unnest($1::uuid[]) AS replaced (id)
      WHERE ${id} = replaced.id AND ${id} BETWEEN $2 AND $3 RETURNING ${columnsIn('h', key)})
    INSERT INTO ${keys} SELECT ${namesOf(key)} FROM gone`;
}

/** After it: everything that is known of the noted keys and the staged ones, made again from all versions of theirs. */
export function remakeKeys(dimension: Dimension, tables: StagingTables): readonly string[] {
  const parts = partsOf(dimension);
  const { all, key, order, rest, from } = parts;
  const history = historyOf(dimension);
  const current = quotedTable(dimension);
  const touched = `(SELECT DISTINCT ${namesOf(key)} FROM ${tables.keys}) k`;
  const next = `lead(o.${from}) OVER (PARTITION BY ${columnsIn('o', key)} ORDER BY ${columnsIn('o', order)})`;
  return [
    `INSERT INTO ${tables.keys} SELECT ${namesOf(key)} FROM ${tables.rows}`,
    `INSERT INTO ${history} AS h (${namesOf(all)}, valid_from, is_current)
     SELECT ${columnsIn('v', all)}, v.${from}, false FROM (${staged(tables, parts, [...key, ...order], 'last')}) v
     ${onSameVersion(parts)}`,
    `UPDATE ${history} h SET valid_to = w.next, is_current = false FROM (
       SELECT ${columnsIn('o', [...key, ...order])}, ${next} AS next FROM ${history} o JOIN ${touched} ON ${same('o', 'k', key)}) w
     WHERE ${same('h', 'w', [...key, ...order])} AND (h.valid_to IS DISTINCT FROM w.next OR h.is_current AND w.next IS NOT NULL)`,
    `UPDATE ${history} h SET is_current = true FROM ${touched}
     WHERE ${same('h', 'k', key)} AND h.valid_to IS NULL AND NOT h.is_current`,
    `DELETE FROM ${current} c USING ${touched}
     WHERE ${same('c', 'k', key)} AND NOT EXISTS (SELECT FROM ${history} h WHERE ${same('h', 'k', key)})`,
    `INSERT INTO ${current} AS c (${namesOf(all)})
     SELECT ${columnsIn('h', all)} FROM ${history} h JOIN ${touched} ON ${same('h', 'k', key)} WHERE h.is_current
     ON CONFLICT (${namesOf(key)}) DO UPDATE SET ${assignments([...order, ...rest])}
     WHERE ${image('excluded', all)} *<> ${image('c', all)}`,
  ];
}
