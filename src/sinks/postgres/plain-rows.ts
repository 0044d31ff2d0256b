/** Rows of a table that is partitioned by month, one an event: copied into it as they are. */
import { Fault } from '../../errors.ts';
import type { TableSink } from '../../pipeline/pipeline.ts';
import type { MonthPartitions } from './month-partitions.ts';
import { replayPrivileges, tablePrivileges } from './privileges.ts';
import { deleteRows, type RowsOfEvents } from './replaced-rows.ts';
import type { RowLanding } from './row-landing.ts';

export function plainRows(definition: TableSink<never>, months: MonthPartitions): RowLanding {
  const { name, correlationId } = definition;
  const replaced = (): RowsOfEvents => {
    if (correlationId !== undefined) return { table: definition, column: correlationId };
    throw new Fault('REPLAY_IMPOSSIBLE', `table ${name} does not say which column holds the correlation id`);
  };
  return {
    copyInto: name,
    begin: '',
    months,
    canDouble: true,
    replaced,
    takeAway: (client, correlationIds) => deleteRows(client, replaced(), correlationIds),
    merge: () => Promise.resolve(),
    needs: (isReplay) =>
      [...tablePrivileges, ...(isReplay ? replayPrivileges : [])].map((privilege) => ({
        table: definition,
        privilege,
      })),
  };
}
