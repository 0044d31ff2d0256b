/** Whether a schema may become the next version of a subject: is it one, does the mode allow it, can it be read. */
import { reasonOf } from '../errors.ts';
import {
  defaultCompatibility,
  defaultMode,
  type Mode,
  type Registration,
  type SchemaContent,
  type VersionProblem,
} from './administration.ts';
import { incompatibilities } from './compatibility/compatibility.ts';
import type { ParsedSchemaText } from './compatibility/parsed-schema.ts';
import { checkSchema } from './check-schema.ts';
import { refuseLargeMessages } from './protobuf-file.ts';
import { keptReferences, referencedSchemas } from './references.ts';
import { incompatible, notPermitted, schemaInvalid } from './registry-fault.ts';
import type { SchemaType } from './registry.ts';
import type { SchemaFile } from './registry-files.ts';
import type { RegistryStore } from './registry-store.ts';
import { schemaIdentity } from './schema-identity.ts';
import { normalText, readableText } from './schema-text.ts';
import { maxNestingLevels, nestsTooDeep } from '../event/json-nesting.ts';
import { nextVersion, type SubjectState, type VersionState } from './subject-state.ts';

export type KeptContent = Omit<SchemaFile, 'id'>;

/** What is stored of it. @throws RegistryFault SCHEMA_INVALID that says where */
export function readContent(
  store: RegistryStore,
  subject: string,
  content: SchemaContent,
  normalize = false,
): KeptContent {
  const { type } = content;
  const references = keptReferences(store, content.references);
  const referenced = referencedSchemas(store, references);
  try {
    const text = readableText(type, content.schema);
    refuseCostly(type, text);
    checkSchema({ id: 0, subject, version: 0, type, schema: text, references: referenced });
    const schema = normalize ? normalText(type, text, referenced) : text;
    return references.length === 0 ? { type, schema } : { type, schema, references };
  } catch (error) {
    throw schemaInvalid(reasonOf(error), error);
  }
}

/** What is no schema of anybody's, and would take the stack or minutes of everybody's time. @throws Error */
function refuseCostly(type: SchemaType, text: string): void {
  if (type === 'PROTOBUF') refuseLargeMessages(text);
  else if (nestsTooDeep(Buffer.from(text))) throw new Error(`it nests more than ${maxNestingLevels} levels deep`);
}

/** Equal for all that mean the same. */
export function normalIdentity(store: RegistryStore, { type, schema, references = [] }: KeptContent): string {
  return schemaIdentity({ type, schema: normalText(type, schema, referencedSchemas(store, references)), references });
}

/** What holds for a subject, or for the registry where the subject is ''. */
export function modeOf(store: RegistryStore, subject: string): Mode {
  const whole = store.settings.mode ?? defaultMode;
  return whole === 'READONLY_OVERRIDE' ? whole : (store.subject(subject).mode ?? whole);
}

export function refuseReadOnly(store: RegistryStore, subject: string): void {
  if (modeOf(store, subject).startsWith('READONLY')) throw notPermitted(`Subject '${subject}' is in read-only mode.`);
}

export interface Plan {
  readonly subject: string;
  readonly state: SubjectState;
  readonly kept: KeptContent;
  readonly registration: Registration;
}

/** The number that the version gets. @throws RegistryFault where it may not be registered */
export function plannedVersion(store: RegistryStore, { subject, state, kept, registration }: Plan): number {
  refuseReadOnly(store, subject);
  if (modeOf(store, subject) === 'IMPORT') return importedVersion(store, { subject, state, kept, registration });
  if (registration.id !== undefined) throw notPermitted(`Subject '${subject}' is not in import mode.`);
  const next = nextVersion(state);
  if (registration.version !== undefined && registration.version !== next)
    throw schemaInvalid(`version ${registration.version} is not the next version, ${next}`);
  const problems = compatibilityProblems(
    store,
    subject,
    kept,
    state.versions.filter(({ isDeleted }) => !isDeleted),
  );
  if (problems.length > 0) throw incompatible(subject, problems);
  return next;
}

/** Ids keep their meaning, also in imports, and versions theirs. */
function importedVersion(store: RegistryStore, { subject, state, kept, registration: { id, version } }: Plan): number {
  if (id !== undefined && store.has(id) && store.identity(id) !== schemaIdentity(kept))
    throw notPermitted(`Overwrite new schema with id ${id} is not permitted.`);
  if (version !== undefined && state.versions.some((one) => one.version === version))
    throw notPermitted(`Overwrite version ${version} of subject '${subject}' is not permitted.`);
  return version ?? nextVersion(state);
}

/** @param versions ascending */
export function compatibilityProblems(
  store: RegistryStore,
  subject: string,
  next: KeptContent,
  versions: readonly VersionState[],
): readonly VersionProblem[] {
  const level = store.subject(subject).compatibility ?? store.settings.compatibility ?? defaultCompatibility;
  const compared = level.endsWith('_TRANSITIVE') ? versions : versions.slice(-1);
  const previous = compared.map(({ version, id }) => ({ ...parsed(store, store.schema(id)), version }));
  if (level === 'NONE' || previous.length === 0) return [];
  return incompatibilities(level, parsed(store, next), previous);
}

function parsed(store: RegistryStore, { type, schema, references = [] }: KeptContent): ParsedSchemaText {
  return { type, schema, references: referencedSchemas(store, references) };
}
