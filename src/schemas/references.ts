/** What schemas name of other schemas, found in the registry. */
import type { SchemaReference } from './administration.ts';
import type { ReferencedSchema } from './registry.ts';
import { schemaInvalid } from './registry-fault.ts';
import type { KeptReference } from './registry-files.ts';
import type { RegistryStore } from './registry-store.ts';
import { newestLive } from './subject-state.ts';

/** From any number of them on, somebody is playing. */
const maxReferences = 1_000;

/**
 * With their ids; version -1 is the newest.
 * @throws RegistryFault SCHEMA_INVALID where there is no such version
 */
export function keptReferences(store: RegistryStore, references: readonly SchemaReference[]): readonly KeptReference[] {
  return references.map(({ name, subject, version }) => {
    const state = store.subject(subject);
    const found = version === -1 ? newestLive(state) : state.versions.find((one) => one.version === version);
    if (found) return { name, subject, version: found.version, id: found.id };
    throw schemaInvalid(`no schema reference found for subject "${subject}" and version ${version}`);
  });
}

/** All of them, and what they name in turn, each before the ones that name it; each name once. */
export function referencedSchemas(
  store: RegistryStore,
  references: readonly KeptReference[],
): readonly ReferencedSchema[] {
  const found = new Map<string, ReferencedSchema>();
  const add = ({ name, id }: KeptReference): void => {
    if (found.has(name)) return;
    const { schema, references: inner = [] } = store.schema(id);
    for (const one of inner) add(one);
    if (found.size >= maxReferences) throw schemaInvalid(`more than ${maxReferences} references`);
    found.set(name, { name, schema });
  };
  for (const one of references) add(one);
  return [...found.values()];
}

/** Ids of the schemas whose versions, as far as they count, refer to this one. */
export function idsReferringTo(
  store: RegistryStore,
  { subject, version }: Omit<SchemaReference, 'name'>,
  counts: (isDeleted: boolean) => boolean,
): readonly number[] {
  const used = new Set<number>();
  for (const name of store.subjects())
    for (const { id, isDeleted } of store.subject(name).versions) if (counts(isDeleted)) used.add(id);
  const refers = (id: number): boolean =>
    (store.schema(id).references ?? []).some((one) => one.subject === subject && one.version === version);
  return [...used].filter(refers).toSorted((a, b) => a - b);
}
