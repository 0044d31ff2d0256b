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
  /** The schemas that it names, and those that these name, each before the ones that name it. Default: none. */
  readonly references?: readonly ReferencedSchema[];
}

export interface ReferencedSchema {
  /** What it is called there: an Avro name, a `$ref`, or the path of an import. */
  readonly name: string;
  readonly schema: string;
}

export interface SchemaRegistry {
  /** @throws Fault SCHEMA_UNKNOWN */
  latest(subject: string): Promise<RegisteredSchema>;
  /** What `latest` would answer, where it would ask for nothing. Only of a registry that can tell at once. */
  latestKnown?(subject: string): RegisteredSchema | undefined;
  /** @throws Fault SCHEMA_UNKNOWN */
  byId(id: number): Promise<RegisteredSchema>;
  /**
   * Answers the version that is there already where the subject has this schema.
   * @throws Fault SCHEMA_INVALID; SCHEMA_INCOMPATIBLE where the subject's compatibility level forbids the change;
   * SCHEMA_CHANGE_REFUSED where its mode does
   */
  register(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema>;
  subjects(): Promise<readonly string[]>;
}
