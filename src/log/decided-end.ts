/** Where a partition ends once everything that is in it by now is shown, or will never be: others may be in the middle of a transaction. */
import { Fault } from '../errors.ts';
import type { LogReader, TopicPartition } from './log.ts';

/** A transaction whose process is gone is aborted after its 10 s, and brokers look for such every 10 s. */
const patienceMs = 30_000;

/** @throws Fault LOG_UNAVAILABLE where it takes longer than any transaction does */
export async function decidedEnd(
  log: Pick<LogReader, 'range' | 'writtenEnd' | 'waitPast'>,
  at: TopicPartition,
  withinMs = patienceMs,
): Promise<number> {
  const written = (await log.writtenEnd?.(at)) ?? 0;
  const signal = AbortSignal.timeout(withinMs);
  for (;;) {
    const { end } = await log.range(at);
    if (end >= written) return end;
    await log.waitPast(at, end, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      const message = `a transaction in ${at.topic}-${at.partition} has been open for ${withinMs / 1000} s: nobody knows yet what it comes to`;
      throw new Fault('LOG_UNAVAILABLE', message);
    });
  }
}
