/** When two schemas are the same: equal JSON, whatever the spaces and the order of members; numbers by their digits. */
import type { SchemaType } from './registry.ts';

/** Equal for equal schemas, different for different ones. @throws SyntaxError where it is not JSON */
export function schemaIdentity(type: SchemaType, schema: string): string {
  const value: unknown = JSON.parse(schema, (_name, member: unknown, context?: { readonly source?: string }) =>
    typeof member === 'number' ? { [numberKey]: context?.source } : member,
  );
  return `${type} ${canonical(value)}`;
}

const numberKey = Symbol('number as written');

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (numberKey in value) return String(value[numberKey]);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
