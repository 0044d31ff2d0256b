/**
 * Lines of cells (row-lines.ts) as a Parquet file: the same bytes for the same columns and lines in every process. The writer is plain
 * JavaScript of a pinned version, its compression too: that of Node.js may change with the machine.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ColumnSource, ByteWriter, ParquetWriter, type SchemaElement } from 'hyparquet-writer';
import type { Member, MemberType, ScalarType } from '../../../schemas/members/member.ts';
import { jsonColumnsKey } from '../../object-lines.ts';
import type { Cell } from './row-lines.ts';

/**
 * A row group at a time is in memory as values, and the event loop turns between them: so many rows take some 10 ms. One has a row at
 * least, whatever its size. Files with other limits would have other bytes.
 */
const rowsOfGroup = 1_000;
const bytesOfGroup = 1024 * 1024;
/** As readers expect it, a name and a version; of what we write, not of the package. */
const createdBy = 'tributary version 1';

const text: Partial<SchemaElement> = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };

const elements: Readonly<Record<ScalarType, Partial<SchemaElement>>> = {
  text,
  name: text,
  integer: { type: 'INT64' },
  // Of the newer logical type, which the writer gets wrong, DuckDB reads nothing.
  unsigned: { type: 'INT64', converted_type: 'UINT_64' },
  number: { type: 'DOUBLE' },
  double: { type: 'DOUBLE' },
  boolean: { type: 'BOOLEAN' },
  bytes: { type: 'BYTE_ARRAY' },
  // Parquet's own JSON type: the writer would parse and write the text once more, and change its digits.
  json: text,
};

/** @param lines each with its end, one at least */
export async function parquetFile(columns: readonly Member[], lines: Buffer): Promise<Buffer> {
  const writer = new ByteWriter();
  const schema = [{ name: 'event', num_children: columns.length }, ...columns.flatMap(elementsOf)];
  const kvMetadata = [{ key: jsonColumnsKey, value: JSON.stringify(jsonColumns(columns)) }];
  const file = new ParquetWriter({ writer, schema, createdBy, kvMetadata });
  for (const group of groupsOf(lines)) {
    await file.write({ columnData: columnData(columns, group), rowGroupSize: rowsOfGroup });
    await nextTurn();
  }
  await file.finish();
  return Buffer.from(writer.getBuffer());
}

/** Any may be null: a schema's newer version may say so. */
function elementsOf({ name, type }: Member): SchemaElement[] {
  const base = { name, repetition_type: 'OPTIONAL' as const };
  if (typeof type === 'string') return [{ ...base, ...elements[type] }];
  return [{ ...base, num_children: type.length }, ...type.flatMap(elementsOf)];
}

/** Paths of those whose text is JSON; the last of them is what the schema does not name. */
function jsonColumns(members: readonly Member[]): readonly (readonly string[])[] {
  return members.flatMap(({ name, type }) => {
    if (typeof type !== 'string') return jsonColumns(type).map((path) => [name, ...path]);
    return type === 'json' ? [[name]] : [];
  });
}

function* groupsOf(lines: Buffer): Generator<readonly (readonly Cell[])[]> {
  for (let from = 0; from < lines.length;) {
    let to = from;
    for (let rows = 0; rows < rowsOfGroup && to < lines.length; rows++) {
      const end = lines.indexOf(0x0a, to) + 1;
      if (rows > 0 && end - from > bytesOfGroup) break;
      to = end;
    }
    // In JSON of one line, a line feed is none of its texts.
    const rows = lines.toString('utf8', from, to - 1).replaceAll('\n', ',');
    yield JSON.parse(`[${rows}]`) as (readonly Cell[])[];
    from = to;
  }
}

function columnData(columns: readonly Member[], rows: readonly (readonly Cell[])[]): ColumnSource[] {
  return columns.map(({ name, type }, i) => ({
    name,
    data: rows.map((cells) => valueOf(type, cells[i] as Cell)),
    offsetIndex: false,
  }));
}

function valueOf(type: MemberType, cell: Cell): unknown {
  if (cell === null) return null;
  if (typeof type !== 'string') return recordOf(type, cell as readonly Cell[]);
  if (type === 'integer' || type === 'unsigned') return BigInt(cell as string);
  if (type === 'number' || type === 'double') return Number(cell);
  return type === 'bytes' ? Buffer.from(cell as string, 'base64') : cell;
}

function recordOf(members: readonly Member[], cells: readonly Cell[]): object {
  const record = Object.create(null) as Record<string, unknown>;
  for (const [i, { name, type }] of members.entries()) record[name] = valueOf(type, cells[i] as Cell);
  return record;
}
