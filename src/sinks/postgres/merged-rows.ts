/**
 * Rows of a dimension: staged by COPY in a temporary table, and merged with what is there right before the commit.
 *
 * Who merges into a table has it for itself, by a lock that is held from the merge to the end of the transaction: what it reads of a key
 * is what is there, and as it waits for nothing meanwhile, no two can wait for each other.
 */
import type { ClientBase } from 'pg';
import { type Dimension, stagingTables, tablesOf } from './dimension-tables.ts';
import { endPredecessors, insertVersions, mergeCurrent, remakeKeys, takeVersions } from './dimension-statements.ts';
import { lockText } from './advisory-lock.ts';
import { dimensionPrivileges } from './privileges.ts';
import { closeTogether } from './replaced-rows.ts';
import type { RowLanding } from './row-landing.ts';
import { quotedTable } from '../../pipeline/row-tables.ts';

export function mergedRows(dimension: Dimension): RowLanding {
  const { name, schema, history, correlationId } = dimension;
  const tables = stagingTables(dimension);
  const landed = [mergeCurrent(dimension, tables, false)];
  if (history !== undefined) landed.unshift(endPredecessors(dimension, tables), insertVersions(dimension, tables));

  async function landAgain(client: ClientBase, correlationIds: readonly string[]): Promise<void> {
    if (history === undefined) {
      await client.query(mergeCurrent(dimension, tables, true), [[...closeTogether(correlationIds)].flat()]);
      return;
    }
    for (const ids of closeTogether(correlationIds))
      await client.query(takeVersions(dimension, tables), [ids, ids[0], ids.at(-1)]);
    await client.query(remakeKeys(dimension, tables).join(';\n'));
  }

  return {
    copyInto: tables.rows,
    begin: tables.create,
    months: undefined,
    canDouble: false,
    replaced: () => (history === undefined ? undefined : { table: { schema, name: history }, column: correlationId }),
    takeAway: () => Promise.resolve(),
    merge: async (client, replaces) => {
      // A statement of its own: the next one sees what was committed while it waited.
      await client.query(lockText(`merge ${quotedTable({ schema, name })}`));
      await client.query(`SET LOCAL jit = off; ANALYZE ${tables.rows}`);
      if (replaces) await landAgain(client, replaces);
      else for (const statement of landed) await client.query(statement);
    },
    needs: () => tablesOf(dimension).flatMap((table) => dimensionPrivileges.map((privilege) => ({ table, privilege }))),
  };
}
