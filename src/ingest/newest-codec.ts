/** The codec of the schema by which a pipeline checks what comes in now. */
import { Fault, isFault } from '../errors.ts';
import type { Codec } from '../schemas/codec.ts';
import type { Codecs } from '../schemas/codecs.ts';

/**
 * Who deleted the schema, or registered one that nothing can be checked by, is not the producer, who may send again when it is back.
 * @throws Fault SCHEMA_MISSING, SCHEMA_REGISTRY_UNAVAILABLE
 */
export async function newestCodec(codecs: Codecs, subject: string): Promise<Codec> {
  try {
    return await codecs.latest(subject);
  } catch (error) {
    if (isFault(error, 'SCHEMA_UNKNOWN'))
      throw new Fault('SCHEMA_MISSING', `no schema is registered under ${subject} any more`, { cause: error });
    if (isFault(error, 'SCHEMA_INVALID'))
      throw new Fault('SCHEMA_MISSING', `the newest one cannot be used: ${error.message}`, { cause: error });
    throw error;
  }
}
