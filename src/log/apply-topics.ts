/** Makes the topics of a list: what is missing is created, partitions are added, nothing is taken away. */
import { Fault } from '../errors.ts';
import type { Log, TopicSpec } from './log.ts';

export type TopicChange =
  | 'created'
  | 'partitions-added'
  | 'unchanged'
  /** It has more partitions than listed, and keeps them. */
  | 'has-more-partitions'
  /** It has fewer, and processors that take up new partitions only as they start. */
  | 'grows-at-next-start'
  /** The platform's own. */
  | 'reserved';

export interface AppliedTopic {
  readonly name: string;
  /** As listed. */
  readonly partitions: number;
  /** There were; 0 where the topic was missing. */
  readonly before: number;
  readonly change: TopicChange;
}

export interface ApplyOptions {
  readonly log: Log;
  /** Topics that running processors consume. */
  readonly consumed: readonly string[];
}

/** What a list asked for and is not so now. */
export function isDifferent({ change }: AppliedTopic): boolean {
  return change === 'has-more-partitions' || change === 'grows-at-next-start' || change === 'reserved';
}

/** Names that begin so are topics of the platform itself, which relies on their partitions. */
const reservedPrefix = 'tributary.';

/** Of all topics together: each costs memory and a place in every segment's header. */
export const mostPartitions = 10_000;

/** @throws Fault REQUEST_INVALID where there would be too many partitions; then nothing is changed */
export async function applyTopics(
  { log, consumed }: ApplyOptions,
  listed: readonly TopicSpec[],
): Promise<readonly AppliedTopic[]> {
  const present = new Map((await log.topics()).map(({ name, partitions }) => [name, partitions]));
  const applied = listed.map(({ name, partitions }): AppliedTopic => {
    const before = present.get(name) ?? 0;
    return { name, partitions, before, change: changeOf(name, partitions, before, consumed) };
  });
  checkTotal(present, applied);
  const changing = applied.filter(({ change }) => change === 'created' || change === 'partitions-added');
  const names = new Set(changing.map(({ name }) => name));
  await log.ensureTopics(listed.filter(({ name }) => names.has(name)));
  return applied;
}

function checkTotal(present: ReadonlyMap<string, number>, applied: readonly AppliedTopic[]): void {
  const after = new Map(present);
  for (const { name, partitions, before } of applied) after.set(name, Math.max(before, partitions));
  const total = after.values().reduce((sum, partitions) => sum + partitions, 0);
  if (total <= mostPartitions) return;
  throw new Fault('REQUEST_INVALID', `there would be ${total} partitions, and the log takes up to ${mostPartitions}`);
}

function changeOf(name: string, partitions: number, before: number, consumed: readonly string[]): TopicChange {
  if (name.startsWith(reservedPrefix)) return 'reserved';
  if (before === partitions) return 'unchanged';
  if (before > partitions) return 'has-more-partitions';
  if (before === 0) return 'created';
  return consumed.includes(name) ? 'grows-at-next-start' : 'partitions-added';
}
