/** Whether a text is a schema, whoever else has said so: registries elsewhere take what nothing can be written by. */
import { compileCodec } from './compile.ts';
import { parseProtobuf } from './protobuf-file.ts';
import type { RegisteredSchema } from './registry.ts';

/** @throws Error that says where it is none */
export function checkSchema(schema: RegisteredSchema): void {
  // A .proto file without messages is none to write events by, but others may import it.
  if (schema.type !== 'PROTOBUF') compileCodec(schema);
  else if (parseProtobuf(schema.schema, schema.references).names.length === 0) throw new Error('it defines nothing');
}
