/** Where a partition ends once everything that is in it by now is shown, or will never be: others may be in the middle of a transaction. */
import type { LogReader, TopicPartition } from './log.ts';

/** A transaction whose process is gone is aborted after its 10 s, and brokers look for such every 10 s. */
const patienceMs = 30_000;

export async function decidedEnd(
  log: Pick<LogReader, 'range' | 'writtenEnd' | 'waitPast'>,
  at: TopicPartition,
): Promise<number> {
  const written = (await log.writtenEnd?.(at)) ?? 0;
  const signal = AbortSignal.timeout(patienceMs);
  for (;;) {
    const { end } = await log.range(at);
    if (end >= written) return end;
    await log.waitPast(at, end, signal);
  }
}
