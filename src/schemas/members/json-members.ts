/** The members that a JSON Schema names in `properties`. */
import { isObject } from '../../event/json-object.ts';
import { pointerNames } from '../../event/json-pointer.ts';
import type { ReferencedSchema, RegisteredSchema } from '../registry.ts';
import type { Member, MemberType } from './member.ts';

/** A part of a schema, in the document that its `#/...` are of, and the `$ref`s that led there. */
interface Place {
  readonly part: unknown;
  readonly document: unknown;
  readonly refs: readonly string[];
}

type Others = readonly ReferencedSchema[];

export function jsonMembers({ schema, references = [] }: RegisteredSchema): readonly Member[] {
  const document = JSON.parse(schema) as unknown;
  const place = follow({ part: document, document, refs: [] }, references);
  return place === undefined ? [] : propertiesOf(place, references);
}

function propertiesOf({ part, document, refs }: Place, others: Others): readonly Member[] {
  const { properties } = Object(part) as { readonly properties?: unknown };
  if (!isObject(properties)) return [];
  return Object.entries(properties).map(([name, one]) => ({
    name,
    type: typeOf({ part: one, document, refs }, others),
  }));
}

function typeOf(from: Place, others: Others): MemberType {
  const place = follow(from, others);
  if (place === undefined || !isObject(place.part)) return 'json';
  const { type, enum: values, const: value, anyOf, oneOf } = place.part;
  if (type === undefined) {
    const known = values ?? (value === undefined ? undefined : [value]);
    if (Array.isArray(known)) return known.every((one) => one === null || typeof one === 'string') ? 'text' : 'json';
    return typeOfAlternatives({ ...place, part: anyOf ?? oneOf }, others);
  }
  const types = [type].flat().filter((one) => one !== 'null');
  if (types.length === 2 && types.includes('integer') && types.includes('number')) return 'number';
  return types.length === 1 ? typeNamed(types[0], place, others) : 'json';
}

function typeNamed(type: unknown, place: Place, others: Others): MemberType {
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number' || type === 'boolean') return type;
  const members = type === 'object' ? propertiesOf(place, others) : [];
  return members.length > 0 ? members : 'json';
}

/** One or null is that one. */
function typeOfAlternatives({ part, document, refs }: Place, others: Others): MemberType {
  if (!Array.isArray(part)) return 'json';
  const [one, ...more] = (part as readonly unknown[]).filter((each) => !isObject(each) || each['type'] !== 'null');
  return one === undefined || more.length > 0 ? 'json' : typeOf({ part: one, document, refs }, others);
}

/** Where its `$ref` leads, and those there; undefined where that is nowhere, or in a circle. */
function follow(place: Place, others: Others): Place | undefined {
  const { part, document, refs } = place;
  const ref = isObject(part) ? part['$ref'] : undefined;
  if (typeof ref !== 'string') return place;
  const [name = '', pointer = ''] = ref.split('#', 2);
  const other = others.find((one) => one.name === name);
  if (refs.includes(ref) || (name !== '' && other === undefined)) return undefined;
  const within = other === undefined ? document : (JSON.parse(other.schema) as unknown);
  return follow({ part: partAt(within, pointer), document: within, refs: [...refs, ref] }, others);
}

function partAt(document: unknown, pointer: string): unknown {
  let part = document;
  for (const name of pointerNames(decodeURIComponent(pointer)))
    part = typeof part === 'object' && part !== null && Object.hasOwn(part, name) ? part[name as keyof object] : {};
  return part;
}
