/**
 * The whole registry in a directory (promises: administration.ts). Each change is decided on what was read last; where another
 * process comes first, what it did is read and the change is decided anew.
 */
import {
  type Lookup,
  type Mode,
  type Registration,
  type RegistryAdministration,
  type SchemaContent,
  type SchemaVersion,
  type VersionProblem,
  type Which,
} from './administration.ts';
import type { CompatibilityLevel } from './compatibility/compatibility.ts';
import { checkedDeletion, checkedSubjectDeletion } from './deletion.ts';
import { idsReferringTo, keptReferences, referencedSchemas } from './references.ts';
import type { ReferencedSchema } from './registry.ts';
import { notPermitted, subjectUnknown, versionUnknown } from './registry-fault.ts';
import { type KeptReference, subjectFolder } from './registry-files.ts';
import type { RegistryStore } from './registry-store.ts';
import {
  compatibilityProblems,
  type KeptContent,
  modeOf,
  normalIdentity,
  plannedVersion,
  readContent,
} from './registration.ts';
import { schemaIdentity } from './schema-identity.ts';
import { type SubjectChange, type SubjectState, type VersionState } from './subject-state.ts';

export class FileAdministration implements RegistryAdministration {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  async subjects(which: Which): Promise<readonly string[]> {
    await this.#store.reread();
    return this.#store.subjects().filter((subject) => {
      const { versions } = this.#store.subject(subject);
      if (which === 'deleted') return versions.length > 0 && versions.every(({ isDeleted }) => isDeleted);
      return versions.some(isOf(which));
    });
  }

  async versions(subject: string, which: Which): Promise<readonly SchemaVersion[]> {
    await this.#store.reread();
    const { versions } = this.#store.subject(subject);
    return versions.filter(isOf(which)).map((version) => this.#version(subject, version));
  }

  async version(subject: string, version: number | 'latest', which: Which): Promise<SchemaVersion> {
    const versions = await this.versions(subject, which);
    const found = version === 'latest' ? versions.at(-1) : versions.find((one) => one.version === version);
    if (found) return found;
    throw versions.length === 0 ? subjectUnknown(subject) : versionUnknown(subject, version);
  }

  async versionsOfId(id: number, which: Which): Promise<readonly SchemaVersion[]> {
    await this.#store.reread();
    return this.#store.subjects().flatMap((subject) => {
      const versions = this.#store.subject(subject).versions.filter((one) => one.id === id && isOf(which)(one));
      return versions.map((version) => this.#version(subject, version));
    });
  }

  async maxId(): Promise<number> {
    await this.#store.reread();
    return this.#store.maxId;
  }

  async referencedBy(subject: string, version: number | 'latest'): Promise<readonly number[]> {
    const found = await this.version(subject, version, 'all');
    return idsReferringTo(this.#store, { subject, version: found.version }, (isDeleted) => !isDeleted);
  }

  async referenced(content: SchemaContent): Promise<readonly ReferencedSchema[]> {
    return referencedSchemas(this.#store, keptReferences(this.#store, content.references));
  }

  async find(
    subject: string,
    content: SchemaContent,
    { which, normalize }: Lookup,
  ): Promise<SchemaVersion | undefined> {
    await this.#store.reread();
    const wanted = this.#identity(readContent(this.#store, subject, content), normalize);
    const versions = this.#store.subject(subject).versions.filter(isOf(which));
    const found = versions.findLast(({ id }) => this.#identityOf(id, normalize) === wanted);
    return found && this.#version(subject, found);
  }

  async register(subject: string, content: SchemaContent, registration: Registration = {}): Promise<SchemaVersion> {
    subjectFolder(subject);
    await this.#store.reread();
    for (;;) {
      const kept = readContent(this.#store, subject, content, registration.normalize);
      const version = this.#registered(subject, kept, registration) ?? (await this.#add(subject, kept, registration));
      if (version) return this.#version(subject, version);
    }
  }

  async problems(
    subject: string,
    content: SchemaContent,
    against: number | 'latest' | 'all',
  ): Promise<readonly VersionProblem[]> {
    if (typeof against === 'number') await this.version(subject, against, 'live');
    else await this.#store.reread();
    const live = this.#store.subject(subject).versions.filter(isOf('live'));
    const kept = readContent(this.#store, subject, content);
    const compared =
      against === 'all' ? live : against === 'latest' ? live.slice(-1) : live.filter((one) => one.version === against);
    return compatibilityProblems(this.#store, subject, kept, compared);
  }

  async deleteSubject(subject: string, isPermanent: boolean): Promise<readonly number[]> {
    let deleted: readonly number[] = [];
    await this.#change(subject, (state) => {
      deleted = checkedSubjectDeletion(this.#store, subject, state, isPermanent);
      const change = isPermanent ? { removed: deleted } : { deleted };
      return { ...change, ...(state.compatibility && { compatibility: null }), ...(state.mode && { mode: null }) };
    });
    return deleted;
  }

  async deleteVersion(subject: string, version: number | 'latest', isPermanent: boolean): Promise<number> {
    let deleted = 0;
    await this.#change(subject, (state) => {
      deleted = checkedDeletion(this.#store, { subject, version, isPermanent }, state);
      return isPermanent ? { removed: [deleted] } : { deleted: [deleted] };
    });
    return deleted;
  }

  async compatibility(subject?: string): Promise<CompatibilityLevel | undefined> {
    return (await this.#state(subject)).compatibility;
  }

  async setCompatibility(subject: string | undefined, level: CompatibilityLevel | undefined): Promise<void> {
    await this.#change(subject, () => {
      if (modeOf(this.#store, subject ?? '').startsWith('READONLY'))
        throw notPermitted(`${subject === undefined ? 'The registry' : `Subject '${subject}'`} is in read-only mode.`);
      return { compatibility: level ?? null };
    });
  }

  async mode(subject?: string): Promise<Mode | undefined> {
    return (await this.#state(subject)).mode;
  }

  async setMode(subject: string | undefined, mode: Mode | undefined, isForced: boolean): Promise<void> {
    if (mode === 'READONLY_OVERRIDE' && subject !== undefined)
      throw notPermitted('READONLY_OVERRIDE is a mode of the whole registry only.');
    await this.#change(subject, (state) => {
      const isEmpty =
        subject === undefined
          ? this.#store.subjects().every((name) => this.#store.subject(name).versions.length === 0)
          : state.versions.length === 0;
      if (mode === 'IMPORT' && state.mode !== 'IMPORT' && !isEmpty && !isForced)
        throw notPermitted('Cannot import since found existing subjects; set force=true to import all the same.');
      return { mode: mode ?? null };
    });
  }

  async #state(subject: string | undefined): Promise<SubjectState> {
    await this.#store.reread();
    return subject === undefined ? this.#store.settings : this.#store.subject(subject);
  }

  /** @param decide the change, from the state that it follows on */
  async #change(subject: string | undefined, decide: (state: SubjectState) => SubjectChange): Promise<void> {
    if (subject !== undefined) subjectFolder(subject);
    for (;;) {
      const state = await this.#state(subject);
      const change = decide(state);
      const isMade =
        subject === undefined
          ? await this.#store.changeSettings(state, change)
          : await this.#store.change(subject, state, change);
      if (isMade) return;
    }
  }

  #registered(subject: string, kept: KeptContent, { id, version, normalize }: Registration): VersionState | undefined {
    const wanted = this.#identity(kept, normalize);
    const live = this.#store.subject(subject).versions.filter(isOf('live'));
    return live.findLast(
      (one) =>
        [undefined, one.id].includes(id) &&
        [undefined, one.version].includes(version) &&
        this.#identityOf(one.id, normalize) === wanted,
    );
  }

  /** Undefined where another change came first, or may have: look again. */
  async #add(subject: string, kept: KeptContent, registration: Registration): Promise<VersionState | undefined> {
    const state = this.#store.subject(subject);
    const version = plannedVersion(this.#store, { subject, state, kept, registration });
    const id = registration.id ?? this.#store.idOf(kept) ?? this.#store.maxId + 1;
    if (!this.#store.has(id) && !(await this.#store.addSchema(kept, id))) return undefined;
    const isMade = await this.#store.change(subject, state, { version, id });
    return isMade ? { version, id, isDeleted: false } : undefined;
  }

  #identityOf(id: number, normalize = false): string {
    return normalize ? normalIdentity(this.#store, this.#store.schema(id)) : this.#store.identity(id);
  }

  #identity(content: KeptContent, normalize = false): string {
    return normalize ? normalIdentity(this.#store, content) : schemaIdentity(content);
  }

  #version(subject: string, { version, id, isDeleted }: VersionState): SchemaVersion {
    const { type, schema, references = [] } = this.#store.schema(id);
    return { id, subject, version, type, schema, references: references.map(asAnswered), isDeleted };
  }
}

function asAnswered({ name, subject, version }: KeptReference) {
  return { name, subject, version };
}

function isOf(which: Which): (version: VersionState) => boolean {
  return ({ isDeleted }) => which === 'all' || isDeleted === (which === 'deleted');
}
