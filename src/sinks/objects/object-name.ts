/**
 * What the name of an object tells: `<topic>-<partition>-<first offset>.json` is of one batch,
 * `<topic>-<partition>-<first>_<last>.json` of several, of which these are the first offsets of the first and of the last.
 */

export interface NamedOffsets {
  readonly partition: number;
  readonly first: number;
  /** No batch of it begins behind this one. */
  readonly last: number;
}

/** Undefined where the sink of the topic has given no such name. */
export function offsetsIn(name: string, topic: string): NamedOffsets | undefined {
  if (!name.startsWith(`${topic}-`)) return undefined;
  const [, partition, first, last = first] = /^(\d+)-(\d+)(?:_(\d+))?\.json$/.exec(name.slice(topic.length + 1)) ?? [];
  return partition === undefined
    ? undefined
    : { partition: Number(partition), first: Number(first), last: Number(last) };
}

export function mergedName(topic: string, { partition, first, last }: NamedOffsets): string {
  return `${topic}-${partition}-${first}_${last}.json`;
}
