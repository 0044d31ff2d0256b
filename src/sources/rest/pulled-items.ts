/** What becomes of an item: a line of the run's object, left out, or refused with the reason. */
import { maxNestingLevels, nestsTooDeep } from '../../event/json-nesting.ts';
import { asReject, Reject } from '../../event/reject.ts';
import { isObject } from '../../event/json-object.ts';
import { parseTime } from '../../event/time.ts';
import type { Incremental, Pull } from '../../pipeline/pulls.ts';
import { jsonCheck } from '../../schemas/json-codec.ts';
import { memberAt, type Piece, type PulledItem } from './pages.ts';

export interface ReadItem {
  /** Null where it cannot be told, of one that is refused. */
  readonly key: string | null;
  /** Of an incremental pull: the value of its field. */
  readonly at: number | null;
  /** Null: left out. Of one that is refused, as it came. */
  readonly line: Piece | null;
  readonly refusal: { readonly path: string; readonly message: string } | null;
}

/** @throws Fault PIPELINE_INVALID where the schema is none */
export function itemReader(pull: Pull): (item: PulledItem) => ReadItem {
  const { incremental, schema, transform } = pull;
  const check = schema === undefined ? undefined : jsonCheck(schema, `pull ${pull.name}: schema`);
  return (item) => {
    const { value } = item;
    let key: string | null = null;
    let at: number | null = null;
    try {
      if (!isObject(value)) throw new Reject('', 'expected an object');
      at = incremental ? fieldOf(value, incremental) : null;
      key = keyOf(value, pull, at);
      if (nestsTooDeep(item.body, maxNestingLevels, item.start, item.end))
        throw new Reject('', `expected at most ${maxNestingLevels} levels of nesting, got more`);
      check?.(value);
      return { key, at, line: transform ? transformed(value, pull) : item, refusal: null };
    } catch (error) {
      const { path, message } = asReject(error, 'read');
      return { key, at, line: item, refusal: { path, message } };
    }
  };
}

function transformed(value: object, { transform }: Pull): Piece | null {
  const kept = transform?.(value);
  if (kept === undefined) return null;
  const body = Buffer.from(JSON.stringify(kept));
  return { body, start: 0, end: body.length };
}

/** Of an incremental pull, each version of an item is one by itself. */
function keyOf(value: object, { key: author, incremental }: Pull, at: number | null): string {
  const key: unknown = author(value);
  if (typeof key !== 'string' || key === '') throw new Reject('', 'expected a key, got none');
  return incremental ? `${key}\0${at}` : key;
}

function fieldOf(value: object, { field, type }: Incremental): number {
  const found = memberAt(value, field);
  if (type === 'integer') {
    if (Number.isSafeInteger(found)) return Number(found);
    throw new Reject(field, 'expected an integer');
  }
  const time = typeof found === 'string' ? parseTime(found) : undefined;
  if (time === undefined) throw new Reject(field, 'expected a time as in RFC 3339 with a zone');
  // With microseconds: two versions within a millisecond are two.
  return time.epochMs + Number(time.timestamp.slice(23, 26)) / 1_000;
}
