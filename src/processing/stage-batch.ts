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

/**
 * In the order of the sinks. Where one refuses events that an earlier one has staged already, all begin again without
 * them: so sinks that refuse (tables) stand best before those that do not (objects).
 */
export async function stageBatch<Output>(
  sinks: readonly OpenSink<Output>[],
  batch: SinkBatch<Output>,
  earlierPlans: Readonly<Record<string, Plan>>,
): Promise<StagedBatch> {
  let { events } = batch;
  const rejected: RejectedEvent[] = [];
  for (;;) {
    const { staged, refused, alike } = await stageAll(sinks, { ...batch, events }, earlierPlans);
    rejected.push(...refused);
    events = without(events, refused);
    if (alike) return stagedBatch(staged, events, rejected);
    await abortAll(staged);
  }
}

type Step = { readonly name: string; readonly step: Staged };

interface StagedSteps {
  readonly staged: readonly Step[];
  readonly refused: readonly RejectedEvent[];
  /** Every sink has staged the same events. */
  readonly alike: boolean;
}

async function stageAll<Output>(
  sinks: readonly OpenSink<Output>[],
  batch: SinkBatch<Output>,
  earlierPlans: Readonly<Record<string, Plan>>,
): Promise<StagedSteps> {
  const staged: Step[] = [];
  const refused: RejectedEvent[] = [];
  let { events } = batch;
  let alike = true;
  try {
    for (const { name, partition } of sinks) {
      if (partition.next >= batch.to) continue; // it has this batch already
      const step = await partition.stage({ ...batch, events }, earlierPlans[name]);
      alike &&= staged.length === 0 || step.rejected.length === 0;
      staged.push({ name, step });
      refused.push(...step.rejected);
      events = without(events, step.rejected);
    }
    return { staged, refused, alike };
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
  if (rejected.length === 0) return events;
  const offsets = new Set(rejected.map(({ offset }) => offset));
  return events.filter(({ offset }) => !offsets.has(offset));
}
