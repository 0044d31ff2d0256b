/** The events of an object that the objects sink has made, as lines of JSON, whatever its format is. */
import { isObject } from '../event/json-object.ts';
import { parseExact, stringifyExact } from '../event/exact-json.ts';

/** In a Parquet file's metadata: a JSON array with the paths of the columns whose text is JSON. The last is of what has no column of its own. */
export const jsonColumnsKey = 'tributary.json';

export function isParquet(key: string): boolean {
  return key.endsWith('.parquet');
}

/**
 * Of Parquet the events as `comparableLine` has them: what is null there may have been null, or not there at all.
 * @throws Error for what is no Parquet
 */
export async function linesOf(key: string, body: Buffer): Promise<readonly string[]> {
  return isParquet(key) ? rowsOf(body) : body.toString().split('\n').slice(0, -1);
}

/** Whether a line of `linesOf` is of the event that NDJSON would have so. */
export function isLineOf(key: string, line: string, event: string): boolean {
  return line === (isParquet(key) ? comparableLine(event) : event);
}

/** An event that another is compared with: members in the order of their names, none that are null; every digit as it was. */
export function comparableLine(line: string): string {
  return stringifyExact(comparable(parseExact(line)));
}

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (!isObject(value)) return value;
  const members = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value).toSorted())
    if (value[name] !== null && value[name] !== undefined) members[name] = comparable(value[name]);
  return members;
}

type Row = Readonly<Record<string, unknown>>;

async function rowsOf(body: Buffer): Promise<readonly string[]> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet');
  const file = new Uint8Array(body).buffer;
  const metadata = parquetMetadata(file);
  const found = metadata.key_value_metadata?.find(({ key }) => key === jsonColumnsKey)?.value ?? '[]';
  const paths = (JSON.parse(found) as readonly (readonly string[])[]).map((path) => JSON.stringify(path));
  const [last] = (JSON.parse(found) as readonly (readonly string[])[]).at(-1) ?? [];
  const isJson = new Set(paths);
  const rows = (await parquetReadObjects({ file, metadata, utf8: false })) as readonly Row[];
  return rows.map((row) => {
    const { [last ?? '']: rest, ...columns } = eventOf(row, [], isJson);
    return stringifyExact(comparable(isObject(rest) ? merged(columns, rest) : columns));
  });
}

function eventOf(row: Row, path: readonly string[], isJson: ReadonlySet<string>): Record<string, unknown> {
  const event = Object.create(null) as Record<string, unknown>;
  for (const [name, value] of Object.entries(row)) event[name] = valueOf(value, [...path, name], isJson);
  return event;
}

function valueOf(value: unknown, path: readonly string[], isJson: ReadonlySet<string>): unknown {
  if (typeof value === 'string') return isJson.has(JSON.stringify(path)) ? parseExact(value) : value;
  // As Protobuf's JSON has what no double counts exactly; in no other schema is there any.
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toJSON();
  return isObject(value) ? eventOf(value, path, isJson) : value;
}

/** What had no column, back in its place. */
function merged(event: Row, rest: Row): Row {
  const both = Object.assign(Object.create(null) as Record<string, unknown>, event);
  for (const [name, value] of Object.entries(rest)) {
    const known = both[name];
    both[name] = isObject(known) && isObject(value) ? merged(known, value) : value;
  }
  return both;
}
