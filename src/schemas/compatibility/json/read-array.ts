/** The keywords of arrays: `items` as a list and `additionalItems`, or since 2020-12 `prefixItems` and `items`. */
import type { JsonObject } from '../schema-json.ts';
import { type Dialect, isModern } from './dialect.ts';
import type { ArrayPart, JsonPart } from './json-part.ts';
import { number } from './read-number.ts';
import { readRest } from './read-object.ts';

export function arrayKeywords(dialect: Dialect): readonly string[] {
  const always = ['items', 'minItems', 'maxItems', 'uniqueItems'];
  if (dialect === 'draft-04') return [...always, 'additionalItems'];
  if (!isModern(dialect)) return [...always, 'additionalItems', 'contains'];
  const rest = dialect === '2019-09' ? 'additionalItems' : 'prefixItems';
  return [...always, rest, 'contains', 'unevaluatedItems'];
}

/** @param read makes the part of a schema within */
export function readArray(
  raw: JsonObject,
  dialect: Dialect,
  read: (schema: unknown) => JsonPart,
): Omit<ArrayPart, 'hasDefault' | 'isConnectBytes'> {
  const { unevaluatedItems } = raw;
  const counts = isModern(dialect) && raw['contains'] !== undefined;
  return {
    kind: 'array',
    ...readItems(raw, dialect, read),
    unevaluated: unevaluatedItems === undefined || !isModern(dialect) ? undefined : read(unevaluatedItems),
    minItems: number(raw['minItems']),
    maxItems: number(raw['maxItems']),
    minContains: counts ? (number(raw['minContains']) ?? 1) : undefined,
    maxContains: counts ? number(raw['maxContains']) : undefined,
    isUnique: raw['uniqueItems'] === true,
  };
}

function readItems(
  raw: JsonObject,
  dialect: Dialect,
  read: (schema: unknown) => JsonPart,
): Pick<ArrayPart, 'items' | 'byPosition' | 'additional'> {
  const { items, prefixItems, additionalItems } = raw;
  const tuple = dialect === '2020-12' ? prefixItems : items;
  const byPosition = Array.isArray(tuple) ? tuple.map(read) : [];
  const rest = dialect === '2020-12' ? items : additionalItems;
  if (Array.isArray(tuple)) return { items: undefined, byPosition, additional: readRest(rest, read) };
  // Newer drafts say with `items` alone what older ones say with `additionalItems`.
  if (isModern(dialect) && typeof items === 'boolean')
    return { items: undefined, byPosition, additional: readRest(items, read) };
  const all = items === undefined ? undefined : read(items);
  // Beside one schema for all items `additionalItems` says nothing.
  const beside =
    dialect === '2020-12' || (all !== undefined && additionalItems === false) ? undefined : additionalItems;
  return { items: all, byPosition, additional: readRest(beside, read) };
}
