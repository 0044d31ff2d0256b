/** Limits on numbers. In draft-04 `exclusiveMinimum: true` makes the minimum itself exclusive; elsewhere it is a limit of its own. */
import type { JsonObject } from '../schema-json.ts';
import type { NumberPart } from './json-part.ts';

export function readNumber(
  raw: JsonObject,
  type: 'integer' | 'number',
): Omit<NumberPart, 'hasDefault' | 'isConnectBytes'> {
  return {
    kind: 'number',
    isInteger: type === 'integer',
    minimum: number(raw['minimum']),
    maximum: number(raw['maximum']),
    exclusiveMinimum: number(raw['exclusiveMinimum']),
    exclusiveMaximum: number(raw['exclusiveMaximum']),
    multipleOf: number(raw['multipleOf']),
    isMinimumExclusive: raw['exclusiveMinimum'] === true,
    isMaximumExclusive: raw['exclusiveMaximum'] === true,
  };
}

export function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
