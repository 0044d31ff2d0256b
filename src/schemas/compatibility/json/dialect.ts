/** The drafts of JSON Schema, and what differs between them here. Without `$schema` it is draft-07, as in other registries. */
import { isObject } from '../../../event/json-object.ts';

export type Dialect = 'draft-04' | 'draft-06' | 'draft-07' | '2019-09' | '2020-12';

const dialects = ['draft-04', 'draft-06', 'draft-07', '2019-09', '2020-12'] as const;

export function dialectOf(document: unknown): Dialect | undefined {
  const name: unknown = isObject(document) ? document['$schema'] : undefined;
  return typeof name === 'string'
    ? dialects.find((dialect) => name.includes(`json-schema.org/${pathOf(dialect)}`))
    : undefined;
}

function pathOf(dialect: Dialect): string {
  return dialect.startsWith('draft') ? `${dialect}/` : `draft/${dialect}/`;
}

/** Since 2019-09 keywords beside `$ref` count, and `format` says nothing about the type. */
export function isModern(dialect: Dialect): boolean {
  return dialect === '2019-09' || dialect === '2020-12';
}

export function idKeyword(dialect: Dialect): 'id' | '$id' {
  return dialect === 'draft-04' ? 'id' : '$id';
}
