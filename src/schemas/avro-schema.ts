/** Avro schemas as text, made into avsc's types. */
import avsc, { type ForSchemaOptions, type Schema } from 'avsc';
import { reasonOf } from '../errors.ts';
import { strictType } from './avro-types.ts';
import type { ReferencedSchema } from './registry.ts';

/**
 * @param references the types that it names without defining them, each before those that name it
 * @throws Error whose message says where in the schema what is wrong, as in `fields.1.type: unknown type: "strin"`
 */
export function parseAvro(text: string, references: readonly ReferencedSchema[] = []): avsc.Type {
  const registry: Record<string, avsc.Type> = {};
  for (const { name, schema } of references) {
    try {
      parseWith(registry, schema);
    } catch (error) {
      throw new Error(`reference ${name}: ${reasonOf(error)}`, { cause: error });
    }
  }
  return parseWith(registry, text);
}

function parseWith(registry: Record<string, avsc.Type>, text: string): avsc.Type {
  const schema = JSON.parse(text) as Schema;
  const places = typePlaces(schema, []);
  let upcoming = places.next();
  let place = 'the schema';
  const typeHook = (part: Schema, options: ForSchemaOptions): avsc.Type | undefined => {
    // Where they differ, the part is none of the schema's: avsc's own object for a primitive.
    if (upcoming.done !== true && upcoming.value.part === part) {
      place = upcoming.value.path.join('.') || place;
      upcoming = places.next();
    }
    refuseUnreadableField(part);
    return strictType(part, options);
  };
  try {
    return avsc.Type.forSchema(schema, { omitRecordMethods: true, typeHook, registry });
  } catch (error) {
    throw new Error(`${place}: ${reasonOf(error)}`, { cause: error });
  }
}

interface Place {
  readonly part: unknown;
  readonly path: readonly (string | number)[];
}

/** Where types stand in a schema, in the order in which avsc makes them. */
function* typePlaces(part: unknown, path: Place['path']): Generator<Place> {
  yield { part, path };
  if (Array.isArray(part)) {
    for (const [i, branch] of part.entries()) yield* typePlaces(branch, [...path, i]);
    return;
  }
  if (typeof part !== 'object' || part === null) return;
  if ('fields' in part && Array.isArray(part.fields)) {
    const fields = part.fields as { readonly type?: unknown }[];
    for (const [i, field] of fields.entries()) yield* typePlaces(field?.type, [...path, 'fields', i, 'type']);
  }
  if ('items' in part) yield* typePlaces(part.items, [...path, 'items']);
  if ('values' in part) yield* typePlaces(part.values, [...path, 'values']);
}

/** Avro allows the name; an object's member of that name would be its prototype. */
function refuseUnreadableField(part: Schema): void {
  if (typeof part !== 'object' || !('fields' in part) || !Array.isArray(part.fields)) return;
  const fields = part.fields as readonly { readonly name?: unknown }[];
  if (fields.some((field) => field?.name === '__proto__')) throw new Error('no field can be called __proto__');
}
