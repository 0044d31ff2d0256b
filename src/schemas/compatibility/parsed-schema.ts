/** What is compared, and what a comparison of one type of schema answers. */
import type { SchemaType } from '../registry.ts';
import type { Problem } from './problem.ts';

export interface ParsedSchemaText {
  readonly type: SchemaType;
  readonly schema: string;
  /** Name to schema text of what it references, resolved, transitively. */
  readonly references: readonly { readonly name: string; readonly schema: string }[];
}

/** Problems of one pair, and how its paths and places begin. */
export interface Comparison {
  readonly problems: readonly Problem[];
  /** What messages call the root: the record's name, or '' where it has none. */
  readonly root: string;
  readonly pathPrefix: '/' | '#/';
}
