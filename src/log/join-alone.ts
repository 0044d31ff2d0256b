/** The consumer group of a log that one process alone may write: every partition is its own, for as long as it runs. */
import type { LogReader, Member, Membership } from './log.ts';
import { partitionsOf } from './partitions.ts';

export async function joinAlone(
  log: Pick<LogReader, 'topics'>,
  { topic, onAssigned }: Pick<Membership, 'topic' | 'onAssigned'>,
): Promise<Member> {
  onAssigned(await partitionsOf(log, topic));
  return { landed: () => undefined, leave: () => Promise.resolve() };
}
