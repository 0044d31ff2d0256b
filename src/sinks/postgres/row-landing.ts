/** How the rows of a batch get into their table: as they are (`plain-rows.ts`), or merged with what is there (`merged-rows.ts`). */
import type { ClientBase } from 'pg';
import type { MonthPartitions } from './month-partitions.ts';
import type { NeededPrivilege } from './privileges.ts';
import type { RowsOfEvents } from './replaced-rows.ts';

export interface RowLanding {
  /** COPY takes rows there. */
  readonly copyInto: string;
  /** Statements at the beginning of the transaction; empty where there are none. */
  readonly begin: string;
  /** Undefined where the table is not partitioned. */
  readonly months: MonthPartitions | undefined;
  /** Rows that landed before would be there twice if they landed again. */
  readonly canDouble: boolean;
  /** Where a replay finds what it takes away; undefined where it takes nothing away. @throws Fault REPLAY_IMPOSSIBLE */
  replaced(): RowsOfEvents | undefined;
  /** Before rows are copied that land again. */
  takeAway(client: ClientBase, correlationIds: readonly string[]): Promise<void>;
  /** When all rows are copied, right before the commit. @param replaces as in `SinkRange` */
  merge(client: ClientBase, replaces: readonly string[] | undefined): Promise<void>;
  /** What the role must be allowed. */
  needs(isReplay: boolean): readonly NeededPrivilege[];
}
