/**
 * Whether data written with one schema can be read with another, and what stands against it, by the rules and in the terms
 * of Confluent's registry (docs/decisions/schema-compatibility.md says where not). Compares descriptions, never data.
 *
 * Work is bounded (effort.ts): schemas too large or too deep to compare are not compatible, kind `TOO_COMPLEX`.
 */
import type { SchemaType } from '../registry.ts';
import { avroProblems } from './avro/compare-avro.ts';
import { Effort, TooComplex } from './effort.ts';
import { jsonProblems } from './json/compare-json.ts';
import type { Comparison, ParsedSchemaText } from './parsed-schema.ts';
import { placeOf, type Problem, problem, type Roles } from './problem.ts';
import { protobufProblems } from './protobuf/compare-protobuf.ts';

export interface Incompatibility {
  /** Where, as the registry has it: `/fields/3/type` (Avro), `#/properties/price` (JSON Schema), `#/Order/3` (Protobuf). */
  readonly path: string;
  /** In the registry's own terms, as in READER_FIELD_MISSING_DEFAULT_VALUE. */
  readonly kind: string;
  /** In words: what differs, and for whom that breaks. */
  readonly message: string;
}

export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;

export type CompatibilityLevel = (typeof compatibilityLevels)[number];

const comparers: Record<
  SchemaType,
  (reader: ParsedSchemaText, writer: ParsedSchemaText, effort: Effort) => Comparison
> = {
  AVRO: avroProblems,
  JSON: jsonProblems,
  PROTOBUF: protobufProblems,
};

/**
 * Whether data written with `writer` can be read with `reader`: [] where it can.
 * @throws Fault SCHEMA_INVALID where one of them is no schema of its type
 */
export function readabilityProblems(reader: ParsedSchemaText, writer: ParsedSchemaText): readonly Incompatibility[] {
  const roles = { reader: "the reader's schema", writer: "the writer's schema" };
  return readability(reader, writer, roles, new Effort());
}

/**
 * What stands against registering `next` after `previous` (oldest first). BACKWARD: next reads previous; FORWARD: previous
 * reads next; FULL: both. The plain ones look at the newest only. The newest version comes first in the answer.
 * @throws Fault SCHEMA_INVALID where one of them is no schema of its type
 */
export function incompatibilities(
  level: CompatibilityLevel,
  next: ParsedSchemaText,
  previous: readonly (ParsedSchemaText & { readonly version: number })[],
): readonly (Incompatibility & { readonly version: number })[] {
  const looksBack = level.startsWith('BACKWARD') || level.startsWith('FULL');
  const looksForward = level.startsWith('FORWARD') || level.startsWith('FULL');
  const compared = level.endsWith('TRANSITIVE') ? previous.toReversed() : previous.slice(-1);
  const effort = new Effort();
  return compared.flatMap((past) => {
    const name = `version ${past.version}`;
    return [
      ...(looksBack ? readability(next, past, { reader: 'the new schema', writer: name }, effort) : []),
      ...(looksForward ? readability(past, next, { reader: name, writer: 'the new schema' }, effort) : []),
    ].map((found) => ({ ...found, version: past.version }));
  });
}

function readability(
  reader: ParsedSchemaText,
  writer: ParsedSchemaText,
  roles: Roles,
  effort: Effort,
): readonly Incompatibility[] {
  const { problems, root, pathPrefix } = compare(reader, writer, effort);
  return problems.map(({ path, kind, say }) => ({
    path: pathPrefix + path.map(({ token }) => token).join('/'),
    kind,
    message: `${say(placeOf(path, root), roles)}; so ${roles.reader} cannot read all data written with ${roles.writer}`,
  }));
}

function compare(reader: ParsedSchemaText, writer: ParsedSchemaText, effort: Effort): Comparison {
  if (reader.type !== writer.type) return alone('SCHEMA_TYPE_CHANGED', typeChanged(reader.type, writer.type));
  try {
    return comparers[reader.type](reader, writer, effort);
  } catch (error) {
    if (error instanceof TooComplex) return alone('TOO_COMPLEX', tooComplex(error.message));
    throw error;
  }
}

function alone(kind: string, say: Problem['say']): Comparison {
  return { problems: [problem(kind, say)], root: '', pathPrefix: '#/' };
}

function typeChanged(reader: SchemaType, writer: SchemaType): Problem['say'] {
  return (_where, roles) => `${roles.reader} is of type ${reader} and ${roles.writer} of type ${writer}`;
}

function tooComplex(why: string): Problem['say'] {
  return (_where, roles) => `${roles.reader} and ${roles.writer} are too complex to compare, since ${why}`;
}
