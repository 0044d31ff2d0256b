/** The codecs that processors use: each schema is compiled once, since an id never changes its meaning. */
import type { Codec } from './codec.ts';
import { compileCodec } from './compile.ts';
import type { RegisteredSchema, SchemaRegistry } from './registry.ts';

export interface Codecs {
  /** For each package anew: as cheap as the registry's `latest`. @throws Fault SCHEMA_UNKNOWN, SCHEMA_INVALID */
  latest(subject: string): Promise<Codec>;
  /** What `latest` would answer, where nothing has to be asked or compiled for it. */
  latestKnown(subject: string): Codec | undefined;
  /** @throws Fault SCHEMA_UNKNOWN, SCHEMA_INVALID */
  byId(id: number): Promise<Codec>;
}

export function createCodecs(registry: SchemaRegistry): Codecs {
  const compiled = new Map<number, Codec>();
  const codecOf = (schema: RegisteredSchema): Codec => {
    const known = compiled.get(schema.id);
    if (known !== undefined) return known;
    const codec = compileCodec(schema);
    compiled.set(schema.id, codec);
    return codec;
  };
  return {
    latest: async (subject) => codecOf(await registry.latest(subject)),
    latestKnown: (subject) => {
      const schema = registry.latestKnown?.(subject);
      return schema && compiled.get(schema.id);
    },
    byId: async (id) => compiled.get(id) ?? codecOf(await registry.byId(id)),
  };
}
