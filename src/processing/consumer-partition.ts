/** A partition as one consumer of it lands it, and the names under which the keyed state has what is kept of that. */
import type { TopicPartition } from '../log/log.ts';

export interface ConsumerPartition {
  readonly logId: string;
  readonly consumer: string;
  readonly at: TopicPartition;
}

/** @param what is kept, such as `checkpoint` */
export function stateKey(what: string, { logId, consumer, at }: ConsumerPartition): string {
  return `${what}/${logId}/${consumer}/${at.topic}/${at.partition}`;
}

const digits = String(Number.MAX_SAFE_INTEGER).length;

/** Sorts as text as offsets do as numbers. */
export function sortableOffset(offset: number): string {
  return String(offset).padStart(digits, '0');
}
