/** Schemas as the registry hands them over, and what is found between two, in short. */
import { readabilityProblems } from '../../../src/schemas/compatibility/compatibility.ts';
import type { ParsedSchemaText } from '../../../src/schemas/compatibility/parsed-schema.ts';

export type References = Readonly<Record<string, unknown>>;

export function avro(schema: unknown, references: References = {}): ParsedSchemaText {
  return { type: 'AVRO', schema: JSON.stringify(schema), references: texts(references) };
}

export function json(schema: unknown, references: References = {}): ParsedSchemaText {
  return { type: 'JSON', schema: JSON.stringify(schema), references: texts(references) };
}

/** @param body of a proto3 file, unless it says otherwise */
export function proto(body: string, references: Readonly<Record<string, string>> = {}): ParsedSchemaText {
  const schema = body.includes('syntax') ? body : `syntax = "proto3"; ${body}`;
  const named = Object.entries(references).map(([name, text]) => ({ name, schema: text }));
  return { type: 'PROTOBUF', schema, references: named };
}

/** `KIND path` of each problem, sorted. */
export function kinds(reader: ParsedSchemaText, writer: ParsedSchemaText): readonly string[] {
  return readabilityProblems(reader, writer)
    .map(({ kind, path }) => `${kind} ${path}`)
    .toSorted();
}

function texts(references: References): ParsedSchemaText['references'] {
  return Object.entries(references).map(([name, schema]) => ({ name, schema: JSON.stringify(schema) }));
}
