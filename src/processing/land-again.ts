/**
 * Sinks whose own checkpoint is behind the processor's get again what lies between. A sink without a checkpoint of its own has
 * landed that before: it keeps what it has, and is only asked what it refuses, since an event lands in all sinks or in none.
 */
import type { SinkPartition, Staged } from '../sinks/sink.ts';
import type { LandsAgain } from './notice.ts';
import type { OpenSink } from './stage-batch.ts';

export function behindOf<Output>(sinks: readonly OpenSink<Output>[], next: number): readonly OpenSink<Output>[] {
  return sinks.filter(({ partition }) => partition.landAgain !== undefined && partition.next < next);
}

/** @param landedTo below it everything has landed where there is no own checkpoint; batches end there */
export function withLandedBefore<Output>(sink: OpenSink<Output>, landedTo: number): OpenSink<Output> {
  const { name, partition } = sink;
  if (partition.landAgain) return sink;
  const listening: SinkPartition<Output> = {
    next: partition.next,
    stage: async (batch, earlierPlan) =>
      batch.to > landedTo
        ? partition.stage(batch, earlierPlan)
        : neverCommitted(await partition.stage(batch, undefined)),
    close: () => partition.close(),
  };
  return { name, partition: listening };
}

function neverCommitted(staged: Staged): Staged {
  return { rejected: staged.rejected, plan: [], commit: () => staged.abort(), abort: () => staged.abort() };
}

interface Standing {
  readonly next: number;
  readonly landedTo: number;
  /** Of the log. */
  readonly start: number;
}

export function landsAgain<Output>(
  sinks: readonly OpenSink<Output>[],
  { next, landedTo, start }: Standing,
): LandsAgain {
  const from = Math.min(Math.max(next, start), landedTo);
  const names = behindOf(sinks, landedTo).map(({ name }) => name);
  return { kind: 'lands again', from, to: landedTo, gone: { from: next, to: from }, sinks: names };
}
