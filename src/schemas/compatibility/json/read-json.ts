/** JSON Schemas as parts. Schemas that are the same are one part, and references are followed only when they are compared. */
import { Fault } from '../../../errors.ts';
import type { Effort } from '../effort.ts';
import { inlineJson } from '../problem.ts';
import { type JsonObject } from '../schema-json.ts';
import { isObject } from '../../../event/json-object.ts';
import { arrayKeywords, readArray } from './read-array.ts';
import { isModern } from './dialect.ts';
import type { Documents, Resource } from './documents.ts';
import type { Identities } from './identities.ts';
import type { Criterion, JsonPart } from './json-part.ts';
import { objectKeywords, readObject } from './read-object.ts';
import { number, readNumber } from './read-number.ts';

export class JsonReader {
  readonly #documents: Documents;
  readonly #identities: Identities;
  readonly #effort: Effort;
  /** By identity; what references mean depends on the resource. */
  readonly #parts = new Map<Resource, Map<number, JsonPart>>();

  constructor(documents: Documents, identities: Identities, effort: Effort) {
    this.#documents = documents;
    this.#identities = identities;
    this.#effort = effort;
  }

  root(): JsonPart {
    return this.read(this.#documents.root.root, this.#documents.root);
  }

  /** @throws Fault SCHEMA_INVALID @throws TooComplex */
  read(raw: unknown, around: Resource): JsonPart {
    if (typeof raw === 'boolean') return { ...plain, kind: raw ? 'any' : 'nothing' };
    if (!isObject(raw)) throw new Fault('SCHEMA_INVALID', `JSON Schema: ${inlineJson(raw)} is no schema`);
    const within = this.#documents.resourceOf(raw, around);
    const parts = this.#parts.get(within) ?? new Map<number, JsonPart>();
    this.#parts.set(within, parts);
    const identity = this.#identities.of(raw);
    const part = parts.get(identity) ?? this.#effort.descend(() => this.#whole(raw, within));
    parts.set(identity, part);
    return part;
  }

  #whole(raw: JsonObject, within: Resource): JsonPart {
    const common = {
      hasDefault: Object.hasOwn(raw, 'default'),
      isConnectBytes: raw['connect.type'] === 'bytes',
    };
    const parts = this.#split(raw, within);
    const [part] = parts;
    if (part === undefined) return { ...common, kind: 'any' };
    if (parts.length === 1) return { ...part, ...common };
    return { ...common, kind: 'combined', criterion: 'allOf', parts, identities: [...parts.keys()] };
  }

  #split(raw: JsonObject, within: Resource): readonly JsonPart[] {
    const modern = isModern(within.dialect);
    const reference = referenceOf(raw, modern);
    if (reference !== undefined && !modern) return [this.#reference(reference, within)];
    const types = typesOf(raw);
    const typed = types.map((type) => this.#ofType(type, raw, within));
    return [
      ...(reference === undefined ? [] : [this.#reference(reference, within)]),
      ...this.#enumerated(raw, within),
      ...criteria.flatMap((criterion) => this.#combined(criterion, raw, within)),
      ...(Object.hasOwn(raw, 'not') ? [{ ...plain, kind: 'not' as const, part: this.read(raw['not'], within) }] : []),
      ...(Array.isArray(raw['type']) ? [alternatives(typed)] : typed),
      ...this.#untyped(types, raw, within),
    ];
  }

  #reference(reference: string, within: Resource): JsonPart {
    const target = (): JsonPart | undefined => {
      const found = this.#documents.resolve(reference, within);
      return found === undefined ? undefined : this.read(found.raw, found.resource);
    };
    return { ...plain, kind: 'reference', reference, target };
  }

  #enumerated(raw: JsonObject, { dialect }: Resource): readonly JsonPart[] {
    const parts: JsonPart[] = [];
    const { enum: values, const: value } = raw;
    if (Array.isArray(values)) {
      const identified = values.map((one: unknown) => [this.#identities.of(one), one] as const);
      parts.push({ ...plain, kind: 'enum', values: new Map(identified) });
    }
    if (Object.hasOwn(raw, 'const') && dialect !== 'draft-04')
      parts.push({ ...plain, kind: 'const', identity: this.#identities.of(value), value });
    return parts;
  }

  #combined(criterion: Criterion, raw: JsonObject, within: Resource): readonly JsonPart[] {
    const schemas = raw[criterion];
    if (!Array.isArray(schemas)) return [];
    const parts = schemas.map((schema: unknown) => this.read(schema, within));
    const identities = schemas.map((schema: unknown) => this.#identities.of(schema));
    return [{ ...plain, kind: 'combined', criterion, parts, identities }];
  }

  #ofType(type: string, raw: JsonObject, within: Resource): JsonPart {
    const read = (schema: unknown): JsonPart => this.read(schema, within);
    switch (type) {
      case 'string':
        return {
          ...plain,
          kind: 'string',
          minLength: number(raw['minLength']),
          maxLength: number(raw['maxLength']),
          pattern: typeof raw['pattern'] === 'string' ? raw['pattern'] : undefined,
        };
      case 'integer':
      case 'number':
        return { ...plain, ...readNumber(raw, type) };
      case 'boolean':
      case 'null':
        return { ...plain, kind: type };
      case 'array':
        return { ...plain, ...readArray(raw, within.dialect, read) };
      case 'object':
        return { ...plain, ...readObject(raw, within.dialect, read) };
      default:
        throw new Fault('SCHEMA_INVALID', `JSON Schema: ${inlineJson(type)} is no type`);
    }
  }

  /** Keywords of types that the schema does not name make parts of their own. */
  #untyped(types: readonly string[], raw: JsonObject, within: Resource): readonly JsonPart[] {
    const groups: Readonly<Record<string, readonly string[]>> = {
      array: arrayKeywords(within.dialect),
      object: objectKeywords(within.dialect),
      number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
      string: ['minLength', 'maxLength', 'pattern', ...(isModern(within.dialect) ? [] : ['format'])],
    };
    const named = new Set(types.map((type) => (type === 'integer' ? 'number' : type)));
    const used = Object.keys(groups).filter(
      (type) => !named.has(type) && groups[type]?.some((keyword) => Object.hasOwn(raw, keyword)) === true,
    );
    const knowsConditions = within.dialect !== 'draft-04' && within.dialect !== 'draft-06';
    const isConditional = knowsConditions && ['if', 'then', 'else'].some((keyword) => Object.hasOwn(raw, keyword));
    return [
      ...used.map((type) => this.#ofType(type, raw, within)),
      ...(isConditional ? [{ ...plain, kind: 'conditional' as const }] : []),
    ];
  }
}

const plain = { hasDefault: false, isConnectBytes: false };
const criteria = ['allOf', 'anyOf', 'oneOf'] as const;

function alternatives(parts: readonly JsonPart[]): JsonPart {
  return { ...plain, kind: 'combined', criterion: 'anyOf', parts, identities: [...parts.keys()] };
}

function typesOf({ type }: JsonObject): readonly string[] {
  if (type === undefined) return [];
  return (Array.isArray(type) ? type : [type]).map(String);
}

function referenceOf(raw: JsonObject, modern: boolean): string | undefined {
  const keywords = modern ? ['$ref', '$dynamicRef', '$recursiveRef'] : ['$ref'];
  return keywords.map((keyword) => raw[keyword]).find((value) => typeof value === 'string');
}
