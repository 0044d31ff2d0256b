/**
 * What the name of an object tells: `<topic>-<partition>-<first offset>.json` (or `.parquet`) is of one batch,
 * `<topic>-<partition>-<first>_<last>.json` of several, of which these are the first offsets of the first and of the last.
 */
import type { TopicPartition } from '../log/log.ts';

/** What keys end in. */
export type ObjectExtension = 'json' | 'parquet';

export interface NamedOffsets {
  readonly partition: number;
  readonly first: number;
  /** No batch of it begins behind this one. */
  readonly last: number;
}

export interface ObjectName extends NamedOffsets {
  readonly extension: ObjectExtension;
}

export function objectName({ topic, partition }: TopicPartition, first: number, extension: ObjectExtension): string {
  return `${topic}-${partition}-${first}.${extension}`;
}

/** Of NDJSON, which alone is merged. */
export function mergedName(topic: string, { partition, first, last }: NamedOffsets): string {
  return `${topic}-${partition}-${first}_${last}.json`;
}

const offsets = /^(\d+)-(\d+)(?:_(\d+))?\.(json|parquet)$/;

/** Undefined where the sink of the topic has given no such name. */
export function offsetsIn(name: string, topic: string): ObjectName | undefined {
  if (!name.startsWith(`${topic}-`)) return undefined;
  const [, partition, first, last = first, extension] = offsets.exec(name.slice(topic.length + 1)) ?? [];
  if (partition === undefined) return undefined;
  return {
    partition: Number(partition),
    first: Number(first),
    last: Number(last),
    extension: extension as ObjectExtension,
  };
}
