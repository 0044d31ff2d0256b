/**
 * What a subject is after its changes, one after the other: its versions and its settings. The registry's own settings
 * are kept in the same way, as a subject without versions.
 */
import type { Mode } from './administration.ts';
import type { CompatibilityLevel } from './compatibility/compatibility.ts';

/** Whatever of it is given happens at once. */
export interface SubjectChange {
  /** A new version, and its schema. */
  readonly version?: number;
  readonly id?: number;
  /** Versions that count no more. */
  readonly deleted?: readonly number[];
  /** Versions that are no more. */
  readonly removed?: readonly number[];
  /** null: as if it had never been set. */
  readonly compatibility?: CompatibilityLevel | null;
  readonly mode?: Mode | null;
}

export interface VersionState {
  readonly version: number;
  readonly id: number;
  readonly isDeleted: boolean;
}

export interface SubjectState {
  /** How many changes have made it. */
  readonly changes: number;
  /** Ascending. */
  readonly versions: readonly VersionState[];
  readonly compatibility: CompatibilityLevel | undefined;
  readonly mode: Mode | undefined;
}

export const noChanges: SubjectState = { changes: 0, versions: [], compatibility: undefined, mode: undefined };

export function changed(state: SubjectState, number: number, change: SubjectChange): SubjectState {
  const { version, id, deleted = [], removed = [] } = change;
  const kept = state.versions
    .filter((one) => one.version !== version && !removed.includes(one.version))
    .map((one) => (deleted.includes(one.version) ? { ...one, isDeleted: true } : one));
  const added = version === undefined || id === undefined ? [] : [{ version, id, isDeleted: false }];
  return {
    changes: number,
    versions: [...kept, ...added].toSorted((a, b) => a.version - b.version),
    compatibility: change.compatibility === undefined ? state.compatibility : (change.compatibility ?? undefined),
    mode: change.mode === undefined ? state.mode : (change.mode ?? undefined),
  };
}

/** Versions that are deleted permanently are given again, as in other registries. */
export function nextVersion({ versions }: SubjectState): number {
  return (versions.at(-1)?.version ?? 0) + 1;
}

export function newestLive({ versions }: SubjectState): VersionState | undefined {
  return versions.findLast(({ isDeleted }) => !isDeleted);
}
