/**
 * The schemas of a registry elsewhere that this process knows by their ids, from the registry or from the directory. What has become
 * known stays: a registry that gives its id to another schema is not believed.
 */
import { Fault } from '../errors.ts';
import type { KeptSchemas } from './kept-schemas.ts';
import type { RegisteredSchema } from './registry.ts';
import { schemaIdentity } from './schema-identity.ts';

export interface KnownSchemasOptions {
  readonly kept: KeptSchemas;
  /** Of the registry, without user and password. */
  readonly address: string;
  /** A file could not be read or written: the registry is asked instead, and the next process will ask, too. Must not throw. */
  readonly onNotKept: (error: unknown) => void;
  /** Told once for each id. Must not throw. */
  readonly onDistrusted: (error: unknown) => void;
}

export class KnownSchemas {
  readonly #options: KnownSchemasOptions;
  readonly #schemas = new Map<number, RegisteredSchema>();
  readonly #distrusted = new Set<number>();

  constructor(options: KnownSchemasOptions) {
    this.#options = options;
  }

  async byId(id: number): Promise<RegisteredSchema | undefined> {
    const known = this.#schemas.get(id);
    if (known !== undefined) return known;
    const kept = await this.#options.kept.schema(id).catch(this.#notKept);
    if (kept) this.#schemas.set(id, kept);
    return kept ?? undefined;
  }

  /**
   * On disk when it resolves: by then nothing has been written by it, so the next process can read all that will have been.
   * @throws Fault SCHEMA_REGISTRY_UNAVAILABLE where the id has another meaning
   */
  async add<Schema extends RegisteredSchema>(schema: Schema): Promise<Schema> {
    const known = await this.byId(schema.id);
    if (known !== undefined && !isSame(known, schema)) throw this.#otherMeaning(schema.id);
    if (known !== undefined) return schema;
    await this.#options.kept.keepSchema(schema).catch(this.#notKept);
    this.#schemas.set(schema.id, schema);
    return schema;
  }

  readonly #notKept = (error: unknown): void => this.#options.onNotKept(error);

  #otherMeaning(id: number): Fault {
    const { address, kept } = this.#options;
    const fault = new Fault(
      'SCHEMA_REGISTRY_UNAVAILABLE',
      `the schema registry at ${address} gives the id ${id} to another schema than before: it has lost its data, or it is another one. ` +
        `Events may have been written by what the id meant; where none are left, remove ${kept.dir}`,
    );
    if (!this.#distrusted.has(id)) this.#options.onDistrusted(fault);
    this.#distrusted.add(id);
    return fault;
  }
}

function isSame(a: RegisteredSchema, b: RegisteredSchema): boolean {
  if (a.type !== b.type || JSON.stringify(a.references ?? []) !== JSON.stringify(b.references ?? [])) return false;
  return a.schema === b.schema || identityOf(a) === identityOf(b);
}

function identityOf({ type, schema }: RegisteredSchema): string {
  try {
    return schemaIdentity({ type, schema });
  } catch {
    return schema; // the registry's business: nothing is written by what cannot be read
  }
}
