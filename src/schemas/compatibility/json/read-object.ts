/** The keywords of objects. */
import { type JsonObject, strings } from '../schema-json.ts';
import { isObject } from '../../../event/json-object.ts';
import { type Dialect, isModern } from './dialect.ts';
import type { JsonPart, ObjectPart, Rest } from './json-part.ts';
import { number } from './read-number.ts';

export function objectKeywords(dialect: Dialect): readonly string[] {
  const always = ['properties', 'required', 'minProperties', 'maxProperties', 'dependencies', 'patternProperties'];
  const since6 = dialect === 'draft-04' ? [] : ['propertyNames'];
  const since2019 = ['dependentRequired', 'dependentSchemas', 'unevaluatedProperties'];
  return [...always, 'additionalProperties', ...since6, ...(isModern(dialect) ? since2019 : [])];
}

/** @param read makes the part of a schema within */
export function readObject(
  raw: JsonObject,
  dialect: Dialect,
  read: (schema: unknown) => JsonPart,
): Omit<ObjectPart, 'hasDefault' | 'isConnectBytes'> {
  const dependencies = members(raw['dependencies']);
  const newer: JsonObject = isModern(dialect) ? raw : {};
  const { unevaluatedProperties } = newer;
  return {
    kind: 'object',
    properties: new Map(members(raw['properties']).map(([name, schema]) => [name, read(schema)])),
    patternProperties: new Map(members(raw['patternProperties']).map(([pattern, schema]) => [pattern, read(schema)])),
    additional: readRest(raw['additionalProperties'], read),
    unevaluated: unevaluatedProperties === undefined ? undefined : read(unevaluatedProperties),
    required: new Set(strings(raw['required'])),
    dependentRequired: new Map(
      [...dependencies, ...members(newer['dependentRequired'])]
        .filter(([, names]) => Array.isArray(names) && names.length > 0)
        .map(([name, names]) => [name, new Set(strings(names))]),
    ),
    dependentSchemas: new Map(
      [...dependencies, ...members(newer['dependentSchemas'])]
        .filter(([, schema]) => !Array.isArray(schema))
        .map(([name, schema]) => [name, read(schema)]),
    ),
    minProperties: number(raw['minProperties']),
    maxProperties: number(raw['maxProperties']),
  };
}

/** `true` and none say the same; `{}` is a schema like others, as in Confluent's registry. */
export function readRest(schema: unknown, read: (schema: unknown) => JsonPart): Rest {
  if (schema === undefined || typeof schema === 'boolean') return { isAllowed: schema !== false, part: undefined };
  return { isAllowed: true, part: read(schema) };
}

function members(value: unknown): readonly (readonly [string, unknown])[] {
  return isObject(value) ? Object.entries(value) : [];
}
