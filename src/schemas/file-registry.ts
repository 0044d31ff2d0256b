/** The schema registry in a directory (promises: registry.ts, administration.ts; the files: registry-files.ts). */
import { Fault } from '../errors.ts';
import type { RegistryAdministration } from './administration.ts';
import { FileAdministration } from './file-administration.ts';
import type { RegisteredSchema, SchemaRegistry, SchemaType } from './registry.ts';
import { openRegistryStore, type RegistryStore, type RegistryStoreOptions } from './registry-store.ts';
import { referencedSchemas } from './references.ts';
import { newestLive, type SubjectState } from './subject-state.ts';

export interface FileRegistry extends SchemaRegistry {
  readonly administration: RegistryAdministration;
}

/** What other processes register is seen here within that time. */
const rereadAfterMs = 1_000;

/** @throws Fault SCHEMA_INVALID where a file is not as the registry wrote it */
export async function openFileRegistry(options: RegistryStoreOptions): Promise<FileRegistry> {
  return new StoredRegistry(await openRegistryStore(options));
}

class StoredRegistry implements FileRegistry {
  readonly administration: RegistryAdministration;
  readonly #store: RegistryStore;
  readonly #latest = new WeakMap<SubjectState, RegisteredSchema>();

  constructor(store: RegistryStore) {
    this.#store = store;
    this.administration = new FileAdministration(store);
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    if (newestLive(this.#store.subject(subject)) === undefined) await this.#store.reread();
    else await this.#store.readWithin(rereadAfterMs);
    const state = this.#store.subject(subject);
    const known = this.#latest.get(state);
    if (known !== undefined) return known;
    const newest = newestLive(state);
    if (newest === undefined) throw new Fault('SCHEMA_UNKNOWN', `no schema is registered under ${subject}`);
    const registered = this.#registered(subject, newest.version, newest.id);
    this.#latest.set(state, registered);
    return registered;
  }

  latestKnown(subject: string): RegisteredSchema | undefined {
    return this.#store.isReadWithin(rereadAfterMs) ? this.#latest.get(this.#store.subject(subject)) : undefined;
  }

  async byId(id: number): Promise<RegisteredSchema> {
    const known = this.#find(id);
    if (known !== undefined) return known;
    await this.#store.reread();
    const schema = this.#find(id);
    if (schema === undefined) throw new Fault('SCHEMA_UNKNOWN', `no schema has the id ${id}`);
    return schema;
  }

  async register(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema> {
    const { version, id } = await this.administration.register(subject, { type, schema, references: [] });
    return this.#registered(subject, version, id);
  }

  subjects(): Promise<readonly string[]> {
    return this.administration.subjects('live');
  }

  /** Deleted versions too: there may be events of theirs. */
  #find(id: number): RegisteredSchema | undefined {
    for (const subject of this.#store.subjects()) {
      const found = this.#store.subject(subject).versions.find((version) => version.id === id);
      if (found) return this.#registered(subject, found.version, id);
    }
    return undefined;
  }

  #registered(subject: string, version: number, id: number): RegisteredSchema {
    const { type, schema, references = [] } = this.#store.schema(id);
    return { id, subject, version, type, schema, references: referencedSchemas(this.#store, references) };
  }
}
