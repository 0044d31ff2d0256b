/** The forms that a schema is given in, kept in, and handed out in. */
import type { SchemaContent } from './administration.ts';
import { parseAvro } from './avro-schema.ts';
import { textOfDescriptor } from './protobuf-text.ts';
import { descriptorOf } from './protobuf-descriptor.ts';
import type { ReferencedSchema, SchemaType } from './registry.ts';
import { canonicalJson } from './schema-identity.ts';

/** A Protobuf schema in base64 becomes text; everything else stays as it is. @throws Error where it is none */
export function readableText(type: SchemaType, schema: string): string {
  return type === 'PROTOBUF' ? (textOfDescriptor(schema) ?? schema) : schema;
}

/** One text for all schemas that mean the same. @throws Error where it cannot be read */
export function normalText(type: SchemaType, schema: string, references: readonly ReferencedSchema[]): string {
  if (type !== 'PROTOBUF') return canonicalJson(schema);
  return textOfDescriptor(descriptorOf(schema, references, '')) ?? schema;
}

/**
 * As clients ask for it with `?format=`: `serialized` (Protobuf: a FileDescriptorProto in base64), `resolved` (Avro: with the
 * types of its references in place); any other is the text as it is kept.
 * @throws Error where the schema has no such form
 */
export function formattedText(
  { type, schema }: Pick<SchemaContent, 'type' | 'schema'>,
  format: string,
  references: readonly ReferencedSchema[],
): string {
  if (type === 'PROTOBUF' && format === 'serialized') return descriptorOf(schema, references, 'default.proto');
  if (type === 'AVRO' && format === 'resolved')
    return JSON.stringify(parseAvro(schema, references).schema({ exportAttrs: true }));
  return schema;
}
