/** What a pipeline has landed in many small objects becomes few large ones, prefix by prefix (docs/decisions/compaction.md). */
import type { CompactionHold } from '../../../processing/compaction-hold.ts';
import type { ObjectStore } from '../../../stores/objects/object-store.ts';
import { mergedName } from '../../object-name.ts';
import { finishMerge, mergeObjects } from './merge-objects.ts';
import { type LandedObject, planMerges } from './plan-merges.ts';
import { type ObjectsOfPrefix, prefixesOf } from './prefixes.ts';

/** What may be merged of a partition. */
export interface SettledPartition {
  /** All below it has landed, and lands only again by a replay. */
  readonly settledTo: number;
  /** Keys that are written again all the same. */
  readonly inHand: ReadonlySet<string>;
  /** Where stretches of a replay begin and end, ascending. */
  readonly cuts: readonly number[];
}

export interface CompactionOptions {
  readonly store: ObjectStore;
  readonly topic: string;
  readonly partitions: readonly SettledPartition[];
  readonly targetBytes: number;
  /** Objects that were put later stay as they are, Unix milliseconds. */
  readonly putBeforeMs: number;
  /** Of the keys that are looked at. */
  readonly start: string;
  /** Undefined: only what would be done. */
  readonly hands: { readonly hold: CompactionHold; readonly file: string } | undefined;
  /** Told of each merge how many objects became one. */
  readonly onMerged: (objects: number) => void;
  /** Ends between two merges. */
  readonly signal: AbortSignal;
}

export interface CompactedPrefix {
  readonly prefix: string;
  /** Objects that were merged, and into how many. */
  readonly objects: number;
  readonly into: number;
  readonly bytes: number;
}

export interface CompactionResult {
  /** Those in which something is merged. */
  readonly prefixes: readonly CompactedPrefix[];
  /** Of all prefixes in which the pipeline has objects: how many there were, and how many names that it has not given. */
  readonly found: number;
  readonly others: number;
  /** Merges that were given up, as somebody has taken away an object meanwhile. */
  readonly givenUp: number;
  /** A merge that another compaction was interrupted in was ended. */
  readonly resumed: boolean;
}

type Counts = { -readonly [Name in keyof CompactionResult]: CompactionResult[Name] } & { prefixes: CompactedPrefix[] };

export async function compactObjects(options: CompactionOptions): Promise<CompactionResult> {
  const { store, topic, start, hands, signal } = options;
  const done: Counts = { prefixes: [], found: 0, others: 0, givenUp: 0, resumed: false };
  const left = hands?.hold.merge;
  if (hands && left?.bytes !== undefined) {
    done.resumed = await finishMerge({ store, ...hands }, left);
    if (!done.resumed) done.givenUp += 1;
  }
  for await (const found of prefixesOf(store, topic, start)) {
    if (signal.aborted) break;
    done.found += found.objects.length;
    done.others += found.others;
    await compactPrefix(options, found, done);
  }
  return done;
}

async function compactPrefix(options: CompactionOptions, found: ObjectsOfPrefix, done: Counts): Promise<void> {
  const { store, hands, signal, onMerged, topic } = options;
  const { prefix } = found;
  let objects = 0;
  let into = 0;
  let bytes = 0;
  for (const group of groupsIn(options, found)) {
    if (signal.aborted) break;
    const merge = { prefix, parts: group.map(({ name }) => name), into: nameOf(topic, group) };
    if (hands && !(await mergeObjects({ store, ...hands }, merge))) {
      done.givenUp += 1;
      continue;
    }
    objects += group.length;
    into += 1;
    bytes += group.reduce((sum, object) => sum + object.bytes, 0);
    onMerged(group.length);
  }
  if (into > 0) done.prefixes.push({ prefix, objects, into, bytes });
}

function groupsIn(
  { partitions, targetBytes, putBeforeMs }: CompactionOptions,
  { prefix, objects }: ObjectsOfPrefix,
): readonly (readonly LandedObject[])[] {
  return partitions.flatMap(({ settledTo, inHand, cuts }, partition) => {
    const ofPartition = objects
      .filter((object) => object.partition === partition)
      .map((object) => ({
        ...object,
        hasSettled:
          object.extension === 'json' && // lines of others cannot be put one behind the other
          object.last < settledTo &&
          object.putAtMs < putBeforeMs &&
          !inHand.has(`${prefix}/${object.name}`),
      }));
    return planMerges(ofPartition, { targetBytes, cuts });
  });
}

function nameOf(topic: string, group: readonly LandedObject[]): string {
  const [{ partition, first }] = group as readonly [LandedObject];
  return mergedName(topic, { partition, first, last: (group.at(-1) as LandedObject).last });
}
