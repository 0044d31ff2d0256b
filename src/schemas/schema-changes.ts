/** What changed from one schema to another, by path, whatever the order of members and the spaces. */
import type { NamespaceBase } from 'protobufjs';
import { parseProtobuf } from './protobuf-file.ts';
import type { ReferencedSchema, SchemaType } from './registry.ts';
import { isObject } from '../event/json-object.ts';

export interface SchemaChange {
  /** As in `fields.amount.type`: elements of arrays go by their name where they have one. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly from?: unknown;
  readonly to?: unknown;
}

export interface ComparedSchema {
  readonly type: SchemaType;
  readonly schema: string;
  readonly references: readonly ReferencedSchema[];
}

/** @throws Error where one of them cannot be read */
export function schemaChanges(from: ComparedSchema, to: ComparedSchema): readonly SchemaChange[] {
  if (from.type !== to.type) return [{ path: '', change: 'changed', from: from.type, to: to.type }];
  return [...compare(treeOf(from), treeOf(to), [])];
}

function treeOf({ type, schema, references }: ComparedSchema): unknown {
  if (type !== 'PROTOBUF') return JSON.parse(schema);
  const { names, namespace } = parseProtobuf(schema, references);
  const members = names.map((name) => [name, namespace.get(name)?.toJSON()]);
  const packageName = namespace.fullName.replace(/^\./, '');
  return withoutNested({ ...(packageName !== '' && { package: packageName }), ...Object.fromEntries(members) });
}

/** Types in a type go by their names alone. */
function withoutNested(tree: NamespaceBase | object): object {
  const members = Object.entries(tree).flatMap(([name, value]: [string, unknown]): [string, unknown][] => {
    if (!isObject(value)) return [[name, value]];
    const flat = withoutNested(value);
    return name === 'nested' ? Object.entries(flat) : [[name, flat]];
  });
  return Object.fromEntries(members);
}

function* compare(from: unknown, to: unknown, path: readonly string[]): Generator<SchemaChange> {
  const [before, after] = [membersOf(from), membersOf(to)];
  if (before === undefined || after === undefined) {
    if (!isSame(from, to)) yield { path: path.join('.'), change: 'changed', from, to };
    return;
  }
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const at = [...path, name];
    if (!after.has(name)) yield { path: at.join('.'), change: 'removed', from: before.get(name) };
    else if (!before.has(name)) yield { path: at.join('.'), change: 'added', to: after.get(name) };
    else yield* compare(before.get(name), after.get(name), at);
  }
}

/** Objects by their members, arrays by the names of their elements: fields, symbols, branches of unions. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (isObject(value)) return new Map(Object.entries(value));
  if (!Array.isArray(value)) return undefined;
  const names = value.map(nameOf);
  if (new Set(names).size < names.length) return new Map(value.map((one, i) => [String(i), one as unknown]));
  return new Map(names.map((name, i) => [name, value[i] as unknown]));
}

function nameOf(element: unknown): string {
  if (!isObject(element)) return JSON.stringify(element);
  const { name, type } = element as { readonly name?: unknown; readonly type?: unknown };
  if (typeof name === 'string') return name;
  return typeof type === 'string' ? type : JSON.stringify(element);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
