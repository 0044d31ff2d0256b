/** Why an event does not fit an Avro schema: the first place, what was expected there, and what was found. */
import type avsc from 'avsc';
import { reasonOf } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import { describeValue } from './describe-value.ts';

/** @param cause what avsc threw when it wrote the event */
export function explainMisfit(type: avsc.Type, event: unknown, cause: unknown): Reject {
  try {
    type.isValid(event, {
      errorHook: (path, value, expected) => {
        throw new Reject(path.join('.'), `expected ${describeType(expected)}, got ${describeValue(value)}`);
      },
    });
  } catch (error) {
    if (error instanceof Reject) return error;
    if (error instanceof RangeError) return new Reject('', 'expected less nesting');
  }
  // Writing refused what checking lets pass, such as a value of two branches of a union.
  return new Reject('', reasonOf(cause));
}

function describeType(type: avsc.Type): string {
  const { typeName } = type;
  if (typeName === 'int') return 'int (a whole number of 32 bits)';
  if (typeName === 'long') return 'long (a whole number within ±(2^53 - 2))';
  if (typeName === 'record' || typeName === 'error' || typeName === 'map') return 'object';
  if (typeName === 'enum') return `one of ${(type as avsc.types.EnumType).symbols.join(', ')}`;
  if (typeName === 'fixed') return `${(type as avsc.types.FixedType).size} bytes`;
  const { types } = type as avsc.types.UnwrappedUnionType;
  if (typeName === 'union:unwrapped') return types.map(describeType).join(' or ');
  if (typeName === 'union:wrapped')
    return `an object with one member, named after its type: ${types.map(branchOf).join(', ')}`;
  return typeName;
}

function branchOf(type: avsc.Type): string {
  return type.branchName ?? type.typeName;
}
