/**
 * Which objects of a prefix become one: neighbours in the order of the log (D4) that are small, as long as they fit. What is half as
 * large as it may be is large already, so that whatever runs again finds nothing to do, and nothing large is written again for a little more.
 *
 * An object that has not settled, or that crosses a cut, or lies across its neighbours, stays as it is, and nothing is merged across it. No
 * merged object crosses a cut: a replay (D9) takes away and lands what lies between two of them, whole objects.
 */
import type { NamedOffsets } from '../../object-name.ts';

export interface LandedObject extends NamedOffsets {
  readonly name: string;
  readonly bytes: number;
  /** Nobody writes it again, unless a replay does. */
  readonly hasSettled: boolean;
}

export interface MergeLimits {
  /** Of a merged object, at most. */
  readonly targetBytes: number;
  /** Where a replay may begin or end a stretch, ascending. */
  readonly cuts: readonly number[];
}

/** Groups of at least two. @param objects of one prefix and one partition, in any order */
export function planMerges(
  objects: readonly LandedObject[],
  { targetBytes, cuts }: MergeLimits,
): readonly (readonly LandedObject[])[] {
  const groups: LandedObject[][] = [];
  let group: LandedObject[] = [];
  let bytes = 0;
  let stretch = -1;
  let covered = -1;
  for (const object of objects.toSorted((a, b) => a.first - b.first || a.last - b.last)) {
    const itsStretch = stretchOf(object.first, cuts);
    const isAlone =
      object.first <= covered ||
      !object.hasSettled ||
      object.bytes * 2 >= targetBytes ||
      stretchOf(object.last, cuts) !== itsStretch;
    if (isAlone || itsStretch !== stretch || bytes + object.bytes > targetBytes) {
      groups.push(group);
      group = [];
      bytes = 0;
    }
    stretch = itsStretch;
    covered = Math.max(covered, object.last);
    if (isAlone) continue;
    group.push(object);
    bytes += object.bytes;
  }
  return [...groups, group].filter(({ length }) => length > 1);
}

function stretchOf(offset: number, cuts: readonly number[]): number {
  let low = 0;
  for (let high = cuts.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((cuts[middle] as number) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
