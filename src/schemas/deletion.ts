/** Whether versions may be deleted: first so that nothing new uses them, then, if at all, permanently. */
import { idsReferringTo } from './references.ts';
import {
  referenceExists,
  subjectDeleted,
  subjectNotDeleted,
  subjectUnknown,
  versionDeleted,
  versionNotDeleted,
  versionUnknown,
} from './registry-fault.ts';
import { refuseReadOnly } from './registration.ts';
import type { RegistryStore } from './registry-store.ts';
import type { SubjectState } from './subject-state.ts';

/** @returns the versions to delete @throws RegistryFault */
export function checkedSubjectDeletion(
  store: RegistryStore,
  subject: string,
  { versions }: SubjectState,
  isPermanent: boolean,
): readonly number[] {
  if (versions.length === 0) throw subjectUnknown(subject);
  const live = versions.filter(({ isDeleted }) => !isDeleted);
  if (!isPermanent && live.length === 0) throw subjectDeleted(subject);
  if (isPermanent && live.length > 0) throw subjectNotDeleted(subject);
  refuseReadOnly(store, subject);
  const numbers = (isPermanent ? versions : live).map(({ version }) => version);
  for (const version of numbers) refuseReferenced(store, { subject, version, isPermanent });
  return numbers;
}

export interface Deletion {
  readonly subject: string;
  readonly version: number | 'latest';
  readonly isPermanent: boolean;
}

/** @returns the version to delete @throws RegistryFault */
export function checkedDeletion(store: RegistryStore, deletion: Deletion, { versions }: SubjectState): number {
  const { subject, version, isPermanent } = deletion;
  if (versions.length === 0) throw subjectUnknown(subject);
  const newest = isPermanent ? versions.at(-1) : versions.findLast(({ isDeleted }) => !isDeleted);
  const found = version === 'latest' ? newest : versions.find((one) => one.version === version);
  if (!found) throw version === 'latest' ? subjectDeleted(subject) : versionUnknown(subject, version);
  if (!isPermanent && found.isDeleted) throw versionDeleted(subject, found.version);
  if (isPermanent && !found.isDeleted) throw versionNotDeleted(subject, found.version);
  refuseReadOnly(store, subject);
  refuseReferenced(store, { subject, version: found.version, isPermanent });
  return found.version;
}

/** Whoever can still be read needs what it refers to. */
function refuseReferenced(
  store: RegistryStore,
  { subject, version, isPermanent }: { subject: string; version: number; isPermanent: boolean },
): void {
  const referring = idsReferringTo(store, { subject, version }, (isDeleted) => isPermanent || !isDeleted);
  if (referring.length > 0) throw referenceExists({ subject, version });
}
