/**
 * When two schemas are the same: equal JSON, whatever the spaces and the order of members, numbers by their digits;
 * equal Protobuf, whatever the spaces and comments; and the same references.
 */
import { protobufTokens } from './protobuf-file.ts';
import type { SchemaFile } from './registry-files.ts';

/** Equal for equal schemas, different for different ones. @throws Error where it is no JSON, or no Protobuf */
export function schemaIdentity({ type, schema, references = [] }: Omit<SchemaFile, 'id'>): string {
  const content = type === 'PROTOBUF' ? JSON.stringify(protobufTokens(schema)) : canonicalJson(schema);
  const named = references.map(({ name, subject, version, id }) => [name, subject, version, id]);
  return `${type} ${content}${named.length === 0 ? '' : ` ${JSON.stringify(named.toSorted(byText))}`}`;
}

function byText(a: readonly unknown[], b: readonly unknown[]): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

/** Members in order, no spaces. @throws SyntaxError */
export function canonicalJson(schema: string): string {
  const value: unknown = JSON.parse(schema, (_name, member: unknown, context?: { readonly source?: string }) =>
    typeof member === 'number' ? { [numberKey]: context?.source } : member,
  );
  return canonical(value);
}

const numberKey = Symbol('number as written');

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (numberKey in value) return String(value[numberKey]);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
