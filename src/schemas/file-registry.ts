/**
 * The schema registry in a directory (promises: registry.ts; the files: registry-files.ts).
 *
 * All of it is kept in memory, since schemas are few. Other processes may register at the same time: who comes second
 * to an id or version finds it taken and looks again. Their versions are seen here within a second.
 */
import { join } from 'node:path';
import { Fault } from '../errors.ts';
import { compileCodec } from './compile.ts';
import type { RegisteredSchema, SchemaRegistry, SchemaType } from './registry.ts';
import {
  createSchemaFile,
  createVersionFile,
  idsOf,
  makeFolder,
  newNumbersIn,
  readSchemaFile,
  readVersionFile,
  subjectFolder,
  subjectFolders,
  subjectsOf,
  type SchemaFile,
} from './registry-files.ts';
import { schemaIdentity } from './schema-identity.ts';

export interface FileRegistryOptions {
  /** Made where it is missing. */
  readonly dir: string;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

const rereadAfterMs = 1_000;

/** @throws Fault SCHEMA_INVALID where a file is not as the registry wrote it */
export async function openFileRegistry(options: FileRegistryOptions): Promise<SchemaRegistry> {
  const { dir } = options;
  await makeFolder(idsOf(dir), dir);
  await makeFolder(subjectsOf(dir), dir);
  await makeFolder(dir, join(dir, '..'));
  const registry = new FileRegistry(dir, options.now ?? Date.now);
  await registry.reread();
  return registry;
}

class FileRegistry implements SchemaRegistry {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #files = new Map<number, SchemaFile>();
  readonly #idByIdentity = new Map<string, number>();
  /** Of each subject all versions, ascending. */
  readonly #versions = new Map<string, readonly RegisteredSchema[]>();
  readonly #byId = new Map<number, RegisteredSchema>();
  readonly #readVersions = new Map<string, Set<number>>();
  #rereadAtMs = 0;
  #rereading: Promise<void> | undefined;
  #rereadingNext: Promise<void> | undefined;

  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    const isFresh = Math.abs(this.#now() - this.#rereadAtMs) < rereadAfterMs;
    if (!this.#versions.has(subject)) await this.reread();
    else if (!isFresh) await (this.#rereading ?? this.reread());
    const newest = this.#versions.get(subject)?.at(-1);
    if (newest === undefined) throw new Fault('SCHEMA_UNKNOWN', `no schema is registered under ${subject}`);
    return newest;
  }

  async byId(id: number): Promise<RegisteredSchema> {
    if (!this.#byId.has(id)) await this.reread();
    const schema = this.#byId.get(id);
    if (schema === undefined) throw new Fault('SCHEMA_UNKNOWN', `no schema has the id ${id}`);
    return schema;
  }

  async register(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema> {
    subjectFolder(subject);
    compileCodec({ id: 0, subject, version: 0, type, schema });
    const identity = schemaIdentity(type, schema);
    for (;;) {
      const registered = this.#find(subject, identity) ?? (await this.#add(subject, { type, schema }, identity));
      if (registered !== undefined) return registered;
      await this.reread();
    }
  }

  async subjects(): Promise<readonly string[]> {
    await this.reread();
    return [...this.#versions.keys()].toSorted();
  }

  /** Reads what is there after the call: callers that come while it reads share the next reading. */
  async reread(): Promise<void> {
    if (this.#rereading === undefined) {
      this.#rereading = this.#readFiles().finally(() => (this.#rereading = undefined));
      return this.#rereading;
    }
    this.#rereadingNext ??= Promise.allSettled([this.#rereading]).then(() => {
      this.#rereadingNext = undefined;
      return this.reread();
    });
    return this.#rereadingNext;
  }

  #find(subject: string, identity: string): RegisteredSchema | undefined {
    const id = this.#idByIdentity.get(identity);
    return this.#versions.get(subject)?.find((version) => version.id === id);
  }

  /** Undefined where another registration came first, to an id or a version, or may have: look again. */
  async #add(
    subject: string,
    content: Omit<SchemaFile, 'id'>,
    identity: string,
  ): Promise<RegisteredSchema | undefined> {
    await this.reread();
    const known = this.#find(subject, identity);
    if (known !== undefined) return known;
    const version = (this.#versions.get(subject)?.at(-1)?.version ?? 0) + 1;
    const id = this.#idByIdentity.get(identity);
    if (id === undefined) {
      const file = { id: Math.max(0, ...this.#files.keys()) + 1, ...content };
      if (await createSchemaFile(this.#dir, file)) this.#keepFile(file);
      return undefined;
    }
    if (!(await createVersionFile(this.#dir, { subject, version, id }))) return undefined;
    return this.#keepVersion({ subject, version, ...(this.#files.get(id) ?? { id, ...content }) });
  }

  async #readFiles(): Promise<void> {
    const startedAtMs = this.#now();
    for (const id of await newNumbersIn(idsOf(this.#dir), (number) => this.#files.has(number)))
      await this.#readFile(id);
    for (const folder of await subjectFolders(this.#dir)) {
      const read = this.#readVersions.get(folder) ?? new Set();
      this.#readVersions.set(folder, read);
      for (const version of await newNumbersIn(join(subjectsOf(this.#dir), folder), (number) => read.has(number))) {
        await this.#readVersion(folder, version);
        read.add(version);
      }
    }
    this.#rereadAtMs = startedAtMs;
  }

  async #readFile(id: number): Promise<SchemaFile> {
    const known = this.#files.get(id);
    if (known !== undefined) return known;
    const file = await readSchemaFile(this.#dir, id);
    this.#keepFile(file);
    return file;
  }

  async #readVersion(folder: string, version: number): Promise<void> {
    const { subject, id } = await readVersionFile(this.#dir, folder, version);
    this.#keepVersion({ subject, version, ...(await this.#readFile(id)) });
  }

  #keepFile(file: SchemaFile): void {
    this.#files.set(file.id, file);
    const identity = schemaIdentity(file.type, file.schema);
    if (!this.#idByIdentity.has(identity)) this.#idByIdentity.set(identity, file.id);
  }

  #keepVersion(registered: RegisteredSchema): RegisteredSchema {
    const others = (this.#versions.get(registered.subject) ?? []).filter(
      (known) => known.version !== registered.version,
    );
    const versions = [...others, registered].toSorted((a, b) => a.version - b.version);
    this.#versions.set(registered.subject, versions);
    if (!this.#byId.has(registered.id)) this.#byId.set(registered.id, registered);
    return registered;
  }
}
