/** From a schema to its codec; the one place that knows the kinds of schemas. */
import { Fault, reasonOf } from '../errors.ts';
import { compileAvro } from './avro-codec.ts';
import type { Codec } from './codec.ts';
import { compileJson } from './json-codec.ts';
import { compileProtobuf } from './protobuf-codec.ts';
import type { RegisteredSchema, SchemaType } from './registry.ts';

const compilers: Record<SchemaType, (schema: RegisteredSchema) => Codec> = {
  AVRO: compileAvro,
  JSON: compileJson,
  PROTOBUF: compileProtobuf,
};

/**
 * Takes milliseconds: keep the codec (codecs.ts does).
 * @throws Fault SCHEMA_INVALID that says where
 */
export function compileCodec(schema: RegisteredSchema): Codec {
  try {
    return compilers[schema.type](schema);
  } catch (error) {
    throw new Fault('SCHEMA_INVALID', `${schema.type} schema of ${schema.subject}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
