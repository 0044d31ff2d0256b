/**
 * The embedded registry's directory, all of it kept in memory, since schemas are few. Other processes may change it at
 * the same time: who comes second to an id or to a subject's next change finds it taken, reads what came first, and
 * decides anew.
 */
import { join } from 'node:path';
import { Fault } from '../errors.ts';
import {
  createChangeFile,
  createSchemaFile,
  createSettingsFile,
  idsOf,
  makeFolder,
  numbersAbove,
  readChangeFile,
  readSchemaFile,
  readSettingsFile,
  settingsOf,
  subjectFolders,
  subjectsOf,
  type SchemaFile,
} from './registry-files.ts';
import { schemaIdentity } from './schema-identity.ts';
import { changed, noChanges, type SubjectChange, type SubjectState } from './subject-state.ts';

export interface RegistryStoreOptions {
  /** Made where it is missing. */
  readonly dir: string;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

/** @throws Fault SCHEMA_INVALID where a file is not as the registry wrote it */
export async function openRegistryStore({ dir, now = Date.now }: RegistryStoreOptions): Promise<RegistryStore> {
  for (const folder of [idsOf(dir), subjectsOf(dir), settingsOf(dir)]) await makeFolder(folder, dir);
  await makeFolder(dir, join(dir, '..'));
  const store = new RegistryStore(dir, now);
  await store.reread();
  return store;
}

export class RegistryStore {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #files = new Map<number, SchemaFile>();
  readonly #identities = new Map<number, string>();
  readonly #idByIdentity = new Map<string, number>();
  readonly #subjects = new Map<string, SubjectState>();
  /** By folder. */
  readonly #names = new Map<string, string>();
  #settings = noChanges;
  #rereadAtMs = 0;
  #rereading: Promise<void> | undefined;
  #rereadingNext: Promise<void> | undefined;

  constructor(dir: string, now: () => number) {
    this.#dir = dir;
    this.#now = now;
  }

  get settings(): SubjectState {
    return this.#settings;
  }

  get maxId(): number {
    return Math.max(0, ...this.#files.keys());
  }

  /** In the order of their names. */
  subjects(): readonly string[] {
    return [...this.#subjects.keys()].toSorted();
  }

  subject(name: string): SubjectState {
    return this.#subjects.get(name) ?? noChanges;
  }

  /** Of an id that a version or a reference names. */
  schema(id: number): SchemaFile {
    const file = this.#files.get(id);
    if (file === undefined)
      throw new Fault('SCHEMA_INVALID', `${join(idsOf(this.#dir), `${id}.json`)} is missing: a version names it`);
    return file;
  }

  has(id: number): boolean {
    return this.#files.has(id);
  }

  /** See schema-identity.ts. */
  identity(id: number): string {
    this.schema(id);
    return this.#identities.get(id) as string;
  }

  idOf(content: Omit<SchemaFile, 'id'>): number | undefined {
    return this.#idByIdentity.get(schemaIdentity(content));
  }

  /** @returns false where others came first, to the id or with the same schema: look again */
  async addSchema(content: Omit<SchemaFile, 'id'>, id: number): Promise<boolean> {
    const file = { id, ...content };
    const isMade = await createSchemaFile(this.#dir, file);
    if (isMade) this.#keepFile(file);
    else await this.reread();
    return isMade;
  }

  /**
   * The subject's next change after those that `state` knows.
   * @returns false where another came first: look again
   */
  async change(subject: string, state: SubjectState, change: SubjectChange): Promise<boolean> {
    const number = state.changes + 1;
    const isMade = await createChangeFile(this.#dir, { subject, number, change });
    if (isMade) this.#keepChange(subject, number, change);
    else await this.reread();
    return isMade;
  }

  /** As `change`, of the registry's own settings. */
  async changeSettings(state: SubjectState, change: SubjectChange): Promise<boolean> {
    const number = state.changes + 1;
    const isMade = await createSettingsFile(this.#dir, number, change);
    if (isMade) this.#keepSettings(number, change);
    else await this.reread();
    return isMade;
  }

  /** Waits only where what is in memory was read longer ago than that. */
  async readWithin(ms: number): Promise<void> {
    if (Math.abs(this.#now() - this.#rereadAtMs) >= ms) await (this.#rereading ?? this.reread());
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

  /** Changes before schemas: a schema is there before a version names it. */
  async #readFiles(): Promise<void> {
    const startedAtMs = this.#now();
    const dir = this.#dir;
    for (const number of await numbersAbove(this.#settings.changes, settingsOf(dir)))
      this.#keepSettings(number, await readSettingsFile(dir, number));
    const read: (readonly [subject: string, number: number, change: SubjectChange])[] = [];
    for (const folder of await subjectFolders(dir)) {
      const known = this.subject(this.#names.get(folder) ?? '').changes;
      for (const number of await numbersAbove(known, join(subjectsOf(dir), folder))) {
        const { subject, change } = await readChangeFile(dir, folder, number);
        this.#names.set(folder, subject);
        read.push([subject, number, change]);
      }
    }
    for (const id of await numbersAbove(0, idsOf(dir)))
      if (!this.#files.has(id)) this.#keepFile(await readSchemaFile(dir, id));
    for (const [subject, number, change] of read) this.#keepChange(subject, number, change);
    this.#rereadAtMs = startedAtMs;
  }

  #keepFile(file: SchemaFile): void {
    if (this.#files.has(file.id)) return;
    this.#files.set(file.id, file);
    const identity = schemaIdentity(file);
    this.#identities.set(file.id, identity);
    if (!this.#idByIdentity.has(identity)) this.#idByIdentity.set(identity, file.id);
  }

  #keepChange(subject: string, number: number, change: SubjectChange): void {
    const state = this.subject(subject);
    if (number > state.changes) this.#subjects.set(subject, changed(state, number, change));
  }

  #keepSettings(number: number, change: SubjectChange): void {
    if (number > this.#settings.changes) this.#settings = changed(this.#settings, number, change);
  }
}
