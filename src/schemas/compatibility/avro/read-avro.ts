/**
 * Avro schema texts as linked parts. Takes more than the specification allows (types named before they are defined, in any
 * of the texts), since what is registered has been checked already, and refuses what cannot be compared.
 */
import { Fault } from '../../../errors.ts';
import type { Effort } from '../effort.ts';
import { inline, inlineJson } from '../problem.ts';
import type { ParsedSchemaText } from '../parsed-schema.ts';
import { type JsonObject, parseSchemaJson, strings } from '../schema-json.ts';
import { isObject } from '../../../event/json-object.ts';
import { type AvroDecimal, type AvroField, type AvroPart, avroPrimitives, type AvroPrimitive } from './avro-part.ts';

/** @throws Fault SCHEMA_INVALID @throws TooComplex */
export function readAvro({ schema, references }: ParsedSchemaText, effort: Effort): AvroPart {
  const root = parseSchemaJson(schema, 'the Avro schema');
  const reader = new AvroReader(effort);
  reader.define(root);
  for (const { name, schema: text } of references)
    reader.define(parseSchemaJson(text, `the reference ${inline(name)}`));
  return reader.readAll(root);
}

interface Definition {
  readonly raw: JsonObject;
  readonly namespace: string;
}

class AvroReader {
  readonly #definitions = new Map<string, Definition>();
  readonly #parts = new Map<string, AvroPart>();
  /** Records whose fields are to be read: they are not read one within another, as they may be many and recursive. */
  readonly #unread: (() => void)[] = [];
  readonly #effort: Effort;

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  /** Remembers what named types stand in a text. Of two of one name the first counts. */
  define(root: unknown): void {
    const todo: { readonly raw: unknown; readonly namespace: string }[] = [{ raw: root, namespace: '' }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      this.#effort.spend(1);
      const { raw, namespace } = next;
      const within = isNamed(raw) ? namespaceOf(raw, namespace) : namespace;
      if (isNamed(raw)) {
        const fullName = fullNameOf(raw, namespace);
        if (!this.#definitions.has(fullName)) this.#definitions.set(fullName, { raw, namespace });
      }
      for (const child of childrenOf(raw).toReversed()) todo.push({ raw: child, namespace: within });
    }
  }

  readAll(root: unknown): AvroPart {
    const part = this.#read(root, '');
    for (let next = this.#unread.pop(); next !== undefined; next = this.#unread.pop()) next();
    return part;
  }

  #read(raw: unknown, namespace: string): AvroPart {
    return this.#effort.descend(() => {
      if (typeof raw === 'string') return this.#byName(raw, namespace);
      if (Array.isArray(raw)) return { type: 'union', branches: raw.map((branch) => this.#read(branch, namespace)) };
      if (!isObject(raw)) throw invalid(`${inlineJson(raw)} is no type`);
      if (isNamed(raw)) return this.#named(fullNameOf(raw, namespace));
      if (raw['type'] === 'array') return { type: 'array', items: this.#read(raw['items'], namespace) };
      if (raw['type'] === 'map') return { type: 'map', values: this.#read(raw['values'], namespace) };
      const decimal = decimalOf(raw);
      if (decimal !== undefined && raw['type'] === 'bytes') return { type: 'bytes', decimal };
      return this.#read(raw['type'], namespace);
    });
  }

  #byName(name: string, namespace: string): AvroPart {
    const primitive = primitives.get(name);
    if (primitive !== undefined) return primitive;
    const fullName = qualify(name, namespace);
    return this.#named(this.#definitions.has(fullName) ? fullName : name);
  }

  #named(fullName: string): AvroPart {
    const known = this.#parts.get(fullName);
    if (known !== undefined) return known;
    const definition = this.#definitions.get(fullName);
    if (definition === undefined) throw invalid(`the type \`${inline(fullName)}\` is nowhere defined`);
    const { raw, namespace } = definition;
    const within = namespaceOf(raw, namespace);
    const named = {
      name: lastSegment(fullName),
      fullName,
      aliases: new Set(strings(raw['aliases']).map((alias) => qualify(alias, within))),
    };
    const fields: AvroField[] = [];
    const part = isRecord(raw) ? { ...named, type: 'record' as const, fields } : leafOf(raw, named);
    this.#parts.set(fullName, part);
    if (isRecord(raw))
      this.#unread.push(() => {
        for (const field of this.#fields(raw, within)) fields.push(field);
      });
    return part;
  }

  #fields(raw: JsonObject, namespace: string): readonly AvroField[] {
    if (!Array.isArray(raw['fields'])) throw invalid(`the record \`${inlineJson(raw['name'])}\` has no fields`);
    return raw['fields'].map((field: unknown) => {
      if (!isObject(field) || typeof field['name'] !== 'string') throw invalid(`${inlineJson(field)} is no field`);
      return {
        name: field['name'],
        aliases: strings(field['aliases']),
        part: this.#read(field['type'], namespace),
        hasDefault: Object.hasOwn(field, 'default'),
      };
    });
  }
}

const primitives: ReadonlyMap<string, AvroPrimitive> = new Map(
  avroPrimitives.map((type) => [type, { type, decimal: undefined }]),
);

function leafOf(raw: JsonObject, named: { name: string; fullName: string; aliases: ReadonlySet<string> }): AvroPart {
  if (raw['type'] === 'fixed') return { ...named, type: 'fixed', size: Number(raw['size']), decimal: decimalOf(raw) };
  const { default: symbol } = raw;
  return {
    ...named,
    type: 'enum',
    symbols: new Set(strings(raw['symbols'])),
    defaultSymbol: typeof symbol === 'string' ? symbol : undefined,
  };
}

/** Attributes that make no sense are ignored, as the specification has it. */
function decimalOf({ logicalType, precision, scale = 0 }: JsonObject): AvroDecimal | undefined {
  if (logicalType !== 'decimal' || !isCount(precision) || !isCount(scale)) return undefined;
  return precision > 0 && scale <= precision ? { precision, scale } : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}

function isNamed(raw: unknown): raw is JsonObject {
  return isObject(raw) && (isRecord(raw) || raw['type'] === 'enum' || raw['type'] === 'fixed');
}

function isRecord(raw: JsonObject): boolean {
  return raw['type'] === 'record' || raw['type'] === 'error';
}

function childrenOf(raw: unknown): readonly unknown[] {
  if (Array.isArray(raw)) return raw;
  if (!isObject(raw)) return [];
  const fields = Array.isArray(raw['fields']) ? raw['fields'] : [];
  return [raw['type'], raw['items'], raw['values'], ...fields.map((field: unknown) => Object(field).type as unknown)];
}

function fullNameOf(raw: JsonObject, namespace: string): string {
  const { name } = raw;
  if (typeof name !== 'string') throw invalid(`a type has the name ${inlineJson(name)}`);
  return qualify(name, typeof raw['namespace'] === 'string' ? raw['namespace'] : namespace);
}

function namespaceOf(raw: JsonObject, namespace: string): string {
  return fullNameOf(raw, namespace).split('.').slice(0, -1).join('.');
}

function qualify(name: string, namespace: string): string {
  if (name.startsWith('.')) return name.slice(1);
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function lastSegment(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

function invalid(message: string): Fault {
  return new Fault('SCHEMA_INVALID', `Avro schema: ${message}`);
}
