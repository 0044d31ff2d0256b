/**
 * Stages a batch in every sink, without the events that any of them refuses: an event lands in all sinks, or in none
 * and becomes a dead letter.
 */
import type { Plan, RejectedEvent, SinkBatch, SinkEvent, SinkPartition, Staged } from '../sinks/sink.ts';

export interface OpenSink<Output> {
  readonly name: string;
  readonly partition: SinkPartition<Output>;
}

export interface StagedBatch {
  readonly events: number;
  readonly rejected: readonly RejectedEvent[];
  readonly plans: Readonly<Record<string, Plan>>;
  /** One after the other, in the order of the sinks. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export async function stageBatch<Output>(
  sinks: readonly OpenSink<Output>[],
  batch: SinkBatch<Output>,
  earlierPlans: Readonly<Record<string, Plan>>,
): Promise<StagedBatch> {
  let { events } = batch;
  const rejected: RejectedEvent[] = [];
  for (;;) {
    const staged = await stageAll(sinks, { ...batch, events }, earlierPlans);
    const refused = staged.flatMap(({ step }) => step.rejected);
    if (refused.length === 0) return stagedBatch(staged, events, rejected);
    await abortAll(staged);
    const offsets = new Set(refused.map(({ offset }) => offset));
    rejected.push(...refused.filter(({ offset }) => offsets.delete(offset))); // two sinks may refuse the same event
    events = without(events, rejected);
  }
}

type Step = { readonly name: string; readonly step: Staged };

async function stageAll<Output>(
  sinks: readonly OpenSink<Output>[],
  batch: SinkBatch<Output>,
  earlierPlans: Readonly<Record<string, Plan>>,
): Promise<readonly Step[]> {
  const staged: Step[] = [];
  try {
    for (const { name, partition } of sinks) {
      if (partition.next >= batch.to) continue; // it has this batch already
      staged.push({ name, step: await partition.stage(batch, earlierPlans[name]) });
    }
    return staged;
  } catch (error) {
    await abortAll(staged);
    throw error;
  }
}

function stagedBatch<Output>(
  staged: readonly Step[],
  events: readonly SinkEvent<Output>[],
  rejected: readonly RejectedEvent[],
): StagedBatch {
  return {
    events: events.length,
    rejected,
    plans: Object.fromEntries(staged.map(({ name, step }) => [name, step.plan])),
    commit: async () => {
      for (const { step } of staged) await step.commit();
    },
    abort: () => abortAll(staged),
  };
}

async function abortAll(staged: readonly Step[]): Promise<void> {
  for (const { step } of staged) await step.abort();
}

function without<Output>(
  events: readonly SinkEvent<Output>[],
  rejected: readonly RejectedEvent[],
): readonly SinkEvent<Output>[] {
  const offsets = new Set(rejected.map(({ offset }) => offset));
  return events.filter(({ offset }) => !offsets.has(offset));
}
