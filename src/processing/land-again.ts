/**
 * Sinks whose own checkpoint is behind the processor's get again what lies between. A sink without a checkpoint of its own has
 * landed that before: it keeps what it has, and is only asked what it refuses, since an event lands in all sinks or in none.
 */
import { nothingStaged, type SinkBatch } from '../sinks/sink.ts';
import type { LandsAgain } from './notice.ts';
import type { OpenSink } from './open-sink.ts';

export function behindOf<Output>(sinks: readonly OpenSink<Output>[], next: number): readonly OpenSink<Output>[] {
  return sinks.filter(({ partition }) => partition.landAgain !== undefined && partition.next < next);
}

/** @param landedTo below it everything has landed where there is no own checkpoint; batches end there */
export function withLandedBefore<Output>(sink: OpenSink<Output>, landedTo: number): OpenSink<Output> {
  if (sink.partition.landAgain) return sink;
  const [one, other] = sink.batches;
  return { ...sink, batches: [neverStagedBelow(one, landedTo), neverStagedBelow(other, landedTo)] };
}

function neverStagedBelow<Output>(batch: SinkBatch<Output>, landedTo: number): SinkBatch<Output> {
  return {
    add: (offset, event) => batch.add(offset, event),
    removeLast: () => batch.removeLast(),
    clear: () => batch.clear(),
    stage: async (range, earlierPlan) => (range.to > landedTo ? batch.stage(range, earlierPlan) : nothingStaged),
  };
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
