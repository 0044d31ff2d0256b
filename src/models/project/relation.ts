/** Where a model, a seed or the table of a source is in DuckDB. */
import { Thing, type Value } from '../jinja/values.ts';

export interface Relation {
  readonly database: string;
  readonly schema: string;
  readonly identifier: string;
}

export const mainSchema = 'main';

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function sqlOf({ database, schema, identifier }: Relation): string {
  return [database, schema, identifier].map(quoteIdentifier).join('.');
}

/** As templates see it. */
export function thingOf(relation: Relation): Thing {
  const { database, schema, identifier } = relation;
  const attributes = { database, schema, identifier, name: identifier, table: identifier };
  return new Thing(new Map<string, Value>(Object.entries(attributes)), sqlOf(relation));
}
