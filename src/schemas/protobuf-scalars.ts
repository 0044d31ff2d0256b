/** Values of fields as Protobuf's JSON mapping has them, made into what protobufjs writes. */
import protobuf, { type Enum } from 'protobufjs';

/** Undefined where the value does not fit. */
export type ReadScalar = (value: unknown) => unknown;

export interface Scalar {
  readonly read: ReadScalar;
  /** What was expected, for the producer to read. */
  readonly expected: string;
}

const number = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const integer = /^-?\d{1,20}$/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const largestFloat = 3.4028234663852886e38;

function smallInteger(min: number, max: number): Scalar {
  const read: ReadScalar = (value) => {
    const whole = typeof value === 'string' && integer.test(value) ? Number(value) : value;
    return Number.isInteger(whole) && Number(whole) >= min && Number(whole) <= max ? whole : undefined;
  };
  return { read, expected: `a whole number from ${min} to ${max}` };
}

/** Numbers stop where JSON's parser rounds them; strings go the whole way. */
function largeInteger(min: bigint, max: bigint): Scalar {
  const read: ReadScalar = (value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) && BigInt(value) >= min ? value : undefined;
    if (typeof value !== 'string' || !integer.test(value)) return undefined;
    const whole = BigInt(value);
    return whole >= min && whole <= max ? longOf(whole, min === 0n) : undefined;
  };
  const signed = min === 0n ? '' : '±';
  return { read, expected: `a whole number of 64 bits (above ${signed}(2^53 - 1) as a string)` };
}

function longOf(whole: bigint, isUnsigned: boolean): unknown {
  const low = Number(BigInt.asIntN(32, whole));
  const high = Number(BigInt.asIntN(32, whole >> 32n));
  return new protobuf.util.Long(low, high, isUnsigned);
}

/** Infinity passes: it is what 1e400 becomes when parsed. */
function floating(largest: number): Scalar {
  const read: ReadScalar = (value) => {
    if (value === 'NaN') return Number.NaN;
    if (value === 'Infinity' || value === Infinity) return Infinity;
    if (value === '-Infinity' || value === -Infinity) return -Infinity;
    const real = typeof value === 'string' && number.test(value) ? Number(value) : value;
    return typeof real === 'number' && Math.abs(real) <= largest ? real : undefined;
  };
  return { read, expected: 'number' };
}

function bytesOf(value: unknown): unknown {
  if (typeof value !== 'string' || !base64.test(value)) return undefined;
  return Buffer.from(value, 'base64');
}

const int32 = smallInteger(-(2 ** 31), 2 ** 31 - 1);
const uint32 = smallInteger(0, 2 ** 32 - 1);
const int64 = largeInteger(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = largeInteger(0n, 2n ** 64n - 1n);

/** By the name of the type in a .proto file. */
export const scalars: Readonly<Record<string, Scalar>> = {
  int32,
  sint32: int32,
  sfixed32: int32,
  uint32,
  fixed32: uint32,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  float: floating(largestFloat),
  double: floating(Number.MAX_VALUE),
  bool: { read: (value) => (typeof value === 'boolean' ? value : undefined), expected: 'boolean' },
  string: {
    read: (value) => (typeof value === 'string' && value.isWellFormed() ? value : undefined),
    expected: 'string',
  },
  bytes: { read: bytesOf, expected: 'bytes (a string in base64)' },
};

/** By name, or by number; a closed enum (proto2) has no other numbers than its own. */
export function enumScalar({ values, valuesById }: Enum, isClosed: boolean): Scalar {
  const read: ReadScalar = (value) => {
    if (typeof value === 'string') return Object.hasOwn(values, value) ? values[value] : undefined;
    return int32.read(value) === value && (!isClosed || Object.hasOwn(valuesById, value as number)) ? value : undefined;
  };
  return { read, expected: `one of ${Object.keys(values).join(', ')}` };
}

/** Keys of maps are strings in JSON, whatever they are in the schema. */
export function isMapKey(keyType: string, key: string): boolean {
  if (keyType === 'bool') return key === 'true' || key === 'false';
  if (keyType === 'string') return key.isWellFormed();
  return integer.test(key) && scalars[keyType]?.read(key) !== undefined;
}
