/**
 * avsc 5.7.9's types, made strict where its own would change or lose data in silence, or trust bytes too far:
 *
 * - strings are well-formed Unicode, when written and when read;
 * - arrays and maps announce no more items than there are bytes left, so that garbage cannot fill the memory;
 * - maps keep `__proto__` as an ordinary key;
 * - records are objects when written, also where all their fields are optional; when read they are plain objects, and
 *   an optional field that is null (`["null", X]`, default null) reads as undefined, so that JSON leaves it out.
 *
 * avsc calls the methods with an underscore from its own types in the same way; its version is pinned for that.
 */
/* oxlint-disable no-underscore-dangle -- avsc's own names */
import { isUtf8 } from 'node:buffer';
import avsc, { type ForSchemaOptions, type Schema } from 'avsc';

interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
}

type Hook = (value: unknown, type: avsc.Type) => void;
type Read = (tap: Tap) => unknown;
type Write = (tap: Tap, value: unknown) => void;
type Check = (value: unknown, flags: number, hook?: Hook, path?: string[]) => boolean;

/** What every type of avsc has beside its public methods. */
interface Internals {
  readonly _read: Read;
  readonly _write: Write;
  readonly _check: Check;
  readonly _createReader: () => Read;
  readonly _createWriter: () => Write;
  readonly _createChecker: () => Check;
  readonly _createConstructor: (errorStack: boolean, plain: boolean) => { prototype: object };
}

const internals = (type: avsc.Type): Internals => type as unknown as Internals;
const inherited = {
  string: internals(avsc.types.StringType.prototype),
  record: internals(avsc.types.RecordType.prototype),
};

class StrictString extends avsc.types.StringType {
  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string' || !value.isWellFormed()) throw new Error('not a well-formed string');
    inherited.string._write.call(this, tap, value);
  }

  _check(value: unknown, _flags: number, hook?: Hook): boolean {
    const valid = typeof value === 'string' && value.isWellFormed();
    if (!valid) hook?.(value, this);
    return valid;
  }

  _read(tap: Tap): string {
    const start = tap.pos;
    const text = tap.readString();
    // Bytes that are not UTF-8 become U+FFFD, which may also have been sent.
    if (text?.includes('\uFFFD') && !isUtf8(stringBytes(tap, start))) throw new Error('a string that is not UTF-8');
    return text;
  }
}

function stringBytes(tap: Tap, start: number): Buffer {
  const end = tap.pos;
  tap.pos = start;
  tap.readLong();
  const bytes = tap.buf.subarray(tap.pos, end);
  tap.pos = end;
  return bytes;
}

class StrictArray extends avsc.types.ArrayType {
  constructor(schema: Schema, options: ForSchemaOptions) {
    super(schema, options);
    if (takesNoBytes(this.itemsType)) throw new Error('array items that take no bytes');
  }

  _read(tap: Tap): unknown[] {
    const items = internals(this.itemsType);
    const values: unknown[] = [];
    for (let count = blockSize(tap); count > 0; count = blockSize(tap))
      for (let i = 0; i < count; i++) values.push(items._read(tap));
    return values;
  }
}

class StrictMap extends avsc.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const values = internals(this.valuesType as avsc.Type);
    const map: Record<string, unknown> = {};
    for (let count = blockSize(tap); count > 0; count = blockSize(tap))
      for (let i = 0; i < count; i++) {
        const key = tap.readString();
        const value = values._read(tap);
        if (key !== '__proto__') map[key] = value;
        else Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
      }
    return map;
  }
}

/** A negative count is followed by the block's bytes, which nothing here needs. */
function blockSize(tap: Tap): number {
  const announced = tap.readLong();
  if (announced < 0) tap.skipLong();
  const count = Math.abs(announced);
  if (count > tap.buf.length - tap.pos) throw new Error('more items announced than there are bytes');
  return count;
}

/** False for a record that is still being made: it holds an array, hence a byte. */
function takesNoBytes(type: avsc.Type): boolean {
  if (type.typeName === 'null') return true;
  const { fields } = type as avsc.types.RecordType;
  return type.typeName === 'record' && fields !== undefined && fields.every((field) => takesNoBytes(field.type));
}

class StrictRecord extends avsc.types.RecordType {
  _createConstructor(): { prototype: object } {
    const constructor = inherited.record._createConstructor.call(this, false, true);
    constructor.prototype = Object.prototype;
    return constructor;
  }

  _createReader(): Read {
    const read = inherited.record._createReader.call(this);
    const optional = this.fields.filter((field) => field.defaultValue() === null).map((field) => field.name);
    if (optional.length === 0) return read;
    return (tap) => {
      const record = read.call(this, tap) as Record<string, unknown>;
      for (const name of optional) if (record[name] === null) record[name] = undefined;
      return record;
    };
  }

  _createWriter(): Write {
    const write = inherited.record._createWriter.call(this);
    return (tap, value) => {
      if (!isRecord(value)) throw new Error('not an object');
      write.call(this, tap, value);
    };
  }

  _createChecker(): Check {
    const check = inherited.record._createChecker.call(this);
    return (value, flags, hook, path) => {
      if (isRecord(value)) return check.call(this, value, flags, hook, path);
      hook?.(value, this);
      return false;
    };
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** For avsc's `typeHook`: the strict type for a part of a schema, where there is one. */
export function strictType(schema: Schema, options: ForSchemaOptions): avsc.Type | undefined {
  const kind = typeof schema === 'object' && 'type' in schema ? schema.type : schema;
  switch (kind) {
    case 'string':
      return new StrictString();
    case 'array':
      return new StrictArray(schema, options);
    case 'map':
      return new StrictMap(schema, options);
    case 'record':
    case 'error':
      return new StrictRecord(schema, options);
    default:
      return undefined;
  }
}
