/**
 * The schema registry, as seen by pipelines: schemas under subjects, each version with an id that never changes its
 * meaning, also after restarts (test/contracts/registry.ts).
 */
export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF';

export interface RegisteredSchema {
  /** Unique in the registry: the id in the wire format's header. The same schema text keeps its id. */
  readonly id: number;
  readonly subject: string;
  /** From 1, within the subject. */
  readonly version: number;
  readonly type: SchemaType;
  readonly schema: string;
}

export interface SchemaRegistry {
  /** @throws Fault SCHEMA_UNKNOWN */
  latest(subject: string): Promise<RegisteredSchema>;
  /** @throws Fault SCHEMA_UNKNOWN */
  byId(id: number): Promise<RegisteredSchema>;
  /** Answers the version that is there already where the subject has this schema. @throws Fault SCHEMA_INVALID */
  register(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema>;
  subjects(): Promise<readonly string[]>;
}
