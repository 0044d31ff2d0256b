/**
 * The embedded registry's directory, all of it kept in memory, since schemas are few. Other processes may change it at
 * the same time: who comes second to an id or to a subject's next change finds it taken, reads what came first, and
 * decides anew. A folder for each subject is much to list for each request (65 ms of 2,000), so it is listed where
 * the mark says that something has changed.
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
  unknownIds,
} from './registry-files.ts';
import { addMark, readMark } from './registry-mark.ts';
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

/** For changes that nobody has marked: a process was killed at that moment, or files were put there by hand or by git. */
const listAgainAfterMs = 10_000;

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
  #sorted: readonly string[] | undefined;
  #maxId = 0;
  /** When the listing began by which all is known, and what was marked then. */
  #listedAtMs = -Infinity;
  #mark = -1;
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
    return this.#maxId;
  }

  /** In the order of their names. */
  subjects(): readonly string[] {
    return (this.#sorted ??= [...this.#subjects.keys()].toSorted());
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
    else await this.#list();
    return isMade;
  }

  /**
   * The subject's next change after those that `state` knows.
   * @returns false where another came first: look again
   */
  async change(subject: string, state: SubjectState, change: SubjectChange): Promise<boolean> {
    const number = state.changes + 1;
    const isMade = await createChangeFile(this.#dir, { subject, number, change });
    if (!isMade) await this.#list();
    else await this.#made(() => this.#keepChange(subject, number, change));
    return isMade;
  }

  /** As `change`, of the registry's own settings. */
  async changeSettings(state: SubjectState, change: SubjectChange): Promise<boolean> {
    const number = state.changes + 1;
    const isMade = await createSettingsFile(this.#dir, number, change);
    if (!isMade) await this.#list();
    else await this.#made(() => this.#keepSettings(number, change));
    return isMade;
  }

  /** Waits only where what is in memory was read longer ago than that. */
  async readWithin(ms: number): Promise<void> {
    if (!this.isReadWithin(ms)) await (this.#rereading ?? this.reread());
  }

  isReadWithin(ms: number): boolean {
    return Math.abs(this.#now() - this.#rereadAtMs) < ms;
  }

  /** What is marked before the call is known after it. */
  async reread(): Promise<void> {
    const startedAtMs = this.#now();
    const mark = await readMark(this.#dir);
    const isKnown = mark === this.#mark && Math.abs(startedAtMs - this.#listedAtMs) < listAgainAfterMs;
    if (!isKnown) return this.#list();
    this.#rereadAtMs = startedAtMs;
  }

  /** A change of our own: where nobody else has marked one meanwhile, there is nothing to list for it. */
  async #made(keep: () => void): Promise<void> {
    keep();
    const mark = await addMark(this.#dir);
    if (mark === this.#mark + 1) this.#mark = mark;
  }

  /** Reads what is there after the call: callers that come while it reads share the next reading. */
  async #list(): Promise<void> {
    if (this.#rereading === undefined) {
      this.#rereading = this.#readFiles().finally(() => (this.#rereading = undefined));
      return this.#rereading;
    }
    this.#rereadingNext ??= Promise.allSettled([this.#rereading]).then(() => {
      this.#rereadingNext = undefined;
      return this.#list();
    });
    return this.#rereadingNext;
  }

  /** Changes before schemas: a schema is there before a version names it. */
  async #readFiles(): Promise<void> {
    const startedAtMs = this.#now();
    const dir = this.#dir;
    const mark = await readMark(dir);
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
    for (const id of await unknownIds(dir, (known) => this.#files.has(known)))
      this.#keepFile(await readSchemaFile(dir, id));
    for (const [subject, number, change] of read) this.#keepChange(subject, number, change);
    this.#rereadAtMs = startedAtMs;
    this.#listedAtMs = startedAtMs;
    this.#mark = mark;
  }

  #keepFile(file: SchemaFile): void {
    if (this.#files.has(file.id)) return;
    this.#files.set(file.id, file);
    this.#maxId = Math.max(this.#maxId, file.id);
    const identity = schemaIdentity(file);
    this.#identities.set(file.id, identity);
    if (!this.#idByIdentity.has(identity)) this.#idByIdentity.set(identity, file.id);
  }

  #keepChange(subject: string, number: number, change: SubjectChange): void {
    const state = this.subject(subject);
    if (number <= state.changes) return;
    if (!this.#subjects.has(subject)) this.#sorted = undefined;
    this.#subjects.set(subject, changed(state, number, change));
  }

  #keepSettings(number: number, change: SubjectChange): void {
    if (number > this.#settings.changes) this.#settings = changed(this.#settings, number, change);
  }
}
