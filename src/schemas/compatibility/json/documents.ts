/**
 * Where `$ref` leads: within the document, to what has an `$id` or an anchor, or into one of the references by its name. Nothing
 * is fetched.
 */
import type { Effort } from '../effort.ts';
import { inline } from '../problem.ts';
import type { ParsedSchemaText } from '../parsed-schema.ts';
import { type JsonObject, parseSchemaJson } from '../schema-json.ts';
import { isObject } from '../../../event/json-object.ts';
import { pointerNames } from '../../../event/json-pointer.ts';
import { type Dialect, dialectOf, idKeyword } from './dialect.ts';

/** A document, or a part of one that has an `$id` of its own: what pointers start from. */
export interface Resource {
  readonly root: unknown;
  /** The whole text, where pointers are tried next. */
  readonly document: unknown;
  readonly uri: string;
  readonly dialect: Dialect;
}

export interface Target {
  readonly raw: unknown;
  readonly resource: Resource;
}

/** Documents without an address of their own get one that no reference spells out. */
const base = 'mem://input/';

export class Documents {
  readonly root: Resource;
  readonly #effort: Effort;
  readonly #targets = new Map<string, Target>();
  /** Resources that begin at a schema with an `$id`. */
  readonly #begins = new Map<JsonObject, Resource>();

  /** @throws Fault SCHEMA_INVALID @throws TooComplex */
  constructor({ schema, references }: ParsedSchemaText, effort: Effort) {
    this.#effort = effort;
    const document = parseSchemaJson(schema, 'the JSON Schema');
    this.root = this.#add(document, base, dialectOf(document) ?? 'draft-07');
    for (const { name, schema: text } of references) {
      const referenced = parseSchemaJson(text, `the reference ${inline(name)}`);
      const dialect = dialectOf(referenced) ?? this.root.dialect;
      const uri = resolveUri(name, base);
      const target = { raw: referenced, resource: this.#add(referenced, uri, dialect) };
      for (const alias of [name, resolveUri(name, this.root.uri)]) this.#note(alias, target);
    }
  }

  /** The resource that a schema stands in. */
  resourceOf(raw: unknown, around: Resource): Resource {
    return (isObject(raw) ? this.#begins.get(raw) : undefined) ?? around;
  }

  resolve(reference: string, from: Resource): Target | undefined {
    if (reference.startsWith('#')) return this.#point({ raw: from.root, resource: from }, reference.slice(1));
    const uri = resolveUri(reference, from.uri);
    const [address, fragment] = splitFragment(uri);
    const [name] = splitFragment(reference);
    const within =
      this.#targets.get(address) ?? this.#targets.get(name) ?? this.#targets.get(name.replace(/^\.\//u, ''));
    return within === undefined ? this.#targets.get(uri) : this.#point(within, fragment);
  }

  #point(from: Target, fragment: string): Target | undefined {
    if (fragment === '') return from;
    if (!fragment.startsWith('/')) return this.#targets.get(`${from.resource.uri}#${fragment}`);
    const keys = pointerNames(decode(fragment));
    const document = { raw: from.resource.document, resource: from.resource };
    const found = this.#walk(from, keys) ?? this.#walk(document, keys);
    // Definitions are found by their old and their new name, as in Confluent's registry.
    return found ?? (keys[0] === '$defs' ? this.#walk(document, ['definitions', ...keys.slice(1)]) : undefined);
  }

  #walk(from: Target, keys: readonly string[]): Target | undefined {
    let { raw, resource } = from;
    for (const key of keys) {
      this.#effort.spend(1);
      if (typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, key)) return undefined;
      raw = (raw as JsonObject)[key];
      resource = this.resourceOf(raw, resource);
    }
    return { raw, resource };
  }

  /** Notes a document and what in it has an `$id` or an anchor. */
  #add(document: unknown, uri: string, dialect: Dialect): Resource {
    const top: Resource = { root: document, document, uri: withId(document, uri, dialect), dialect };
    if (isObject(document)) this.#begins.set(document, top);
    for (const name of [uri, top.uri]) this.#note(name, { raw: document, resource: top });
    const todo: Target[] = [{ raw: document, resource: top }];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      this.#effort.spend(1);
      const { raw, resource: around } = next;
      const resource = isObject(raw) ? this.#noteSchema(raw, around) : around;
      if (typeof raw !== 'object' || raw === null) continue;
      for (const child of Object.values(raw)) todo.push({ raw: child, resource });
    }
    return top;
  }

  #noteSchema(raw: JsonObject, around: Resource): Resource {
    const id = raw[idKeyword(around.dialect)];
    if (typeof id === 'string' && id.startsWith('#')) this.#note(`${around.uri}${id}`, { raw, resource: around });
    for (const anchor of [raw['$anchor'], raw['$dynamicAnchor']])
      if (typeof anchor === 'string') this.#note(`${around.uri}#${anchor}`, { raw, resource: around });
    if (raw === around.root || typeof id !== 'string' || id.startsWith('#')) return around;
    const resource: Resource = { ...around, root: raw, uri: withId(raw, around.uri, around.dialect) };
    this.#begins.set(raw, resource);
    this.#note(resource.uri, { raw, resource });
    return resource;
  }

  #note(uri: string, target: Target): void {
    if (!this.#targets.has(uri)) this.#targets.set(uri, target);
  }
}

function withId(raw: unknown, around: string, dialect: Dialect): string {
  const id = isObject(raw) ? raw[idKeyword(dialect)] : undefined;
  if (typeof id !== 'string' || id.startsWith('#')) return around;
  return splitFragment(resolveUri(id, around))[0];
}

function resolveUri(reference: string, from: string): string {
  return URL.parse(reference, from)?.href ?? reference;
}

function splitFragment(uri: string): readonly [address: string, fragment: string] {
  const at = uri.indexOf('#');
  return at === -1 ? [uri, ''] : [uri.slice(0, at), uri.slice(at + 1)];
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
