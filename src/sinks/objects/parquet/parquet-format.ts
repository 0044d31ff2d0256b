/**
 * Parquet, with the columns of a schema and whatever the schema does not name in one more. The columns are those of the schema as it is when
 * the format is made, the same in every object, whatever its events have.
 */
import { type RegisteredSchema } from '../../../schemas/registry.ts';
import { membersOf } from '../../../schemas/members/members.ts';
import type { ObjectFormat } from '../object-format.ts';
import { parquetFile } from './parquet-file.ts';
import { columnsOf, rowLine } from './row-lines.ts';

/** @param verbatim members whose text is kept as it was sent */
export function parquet(schema: RegisteredSchema, verbatim: readonly string[]): ObjectFormat<object> {
  const columns = columnsOf(membersOf(schema), verbatim);
  return {
    extension: 'parquet',
    serialise: (event) => rowLine(columns, event),
    bodyOf: (lines) => parquetFile(columns, lines),
  };
}
