/** Whether events written by one schema can be read by another. Avro only, by avsc's resolver: the first reason that it finds. */
import type avsc from 'avsc';
import { parseAvro } from '../avro-schema.ts';

export interface ParsedSchemaText {
  readonly type: 'AVRO' | 'JSON' | 'PROTOBUF';
  readonly schema: string;
  readonly references: readonly { readonly name: string; readonly schema: string }[];
}

export interface Incompatibility {
  readonly path: string;
  readonly kind: string;
  readonly message: string;
}

/** Why `reader` cannot read everything that `writer` writes; none where it can. */
export function readabilityProblems(reader: ParsedSchemaText, writer: ParsedSchemaText): readonly Incompatibility[] {
  if (reader.type !== writer.type)
    return [
      { path: '', kind: 'TYPE_CHANGED', message: `a schema of ${reader.type} cannot read events of ${writer.type}` },
    ];
  if (reader.type !== 'AVRO') return [];
  const types = [reader, writer].map(({ schema, references }) => parseAvro(schema, references));
  const [readerType, writerType] = types as [avsc.Type, avsc.Type];
  try {
    readerType.createResolver(writerType);
    return [];
  } catch (error) {
    return [{ path: '', kind: 'UNREADABLE', message: error instanceof Error ? error.message : String(error) }];
  }
}

export type CompatibilityLevel =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE';

/** @param previous ascending; levels that are not transitive look at the last one only */
export function incompatibilities(
  level: CompatibilityLevel,
  next: ParsedSchemaText,
  previous: readonly (ParsedSchemaText & { readonly version: number })[],
): readonly (Incompatibility & { readonly version: number })[] {
  const against = level.endsWith('_TRANSITIVE') ? previous : previous.slice(-1);
  return against.flatMap((old) => {
    const found: Incompatibility[] = [];
    if (level.startsWith('BACKWARD') || level.startsWith('FULL')) found.push(...readabilityProblems(next, old));
    if (level.startsWith('FORWARD') || level.startsWith('FULL')) found.push(...readabilityProblems(old, next));
    return found.map((one) => ({ ...one, version: old.version }));
  });
}
