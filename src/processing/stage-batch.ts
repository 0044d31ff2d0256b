/**
 * Stages a batch in every sink at the same time, without the events that any of them refuses: an event lands in all sinks,
 * or in none and becomes a dead letter.
 */
import type { Plan, RejectedEvent, SinkBatch, SinkRange, Staged } from '../sinks/sink.ts';
import { type Span, within } from '../telemetry/tracing.ts';

export interface FilledBatch<Output> {
  readonly name: string;
  readonly batch: SinkBatch<Output>;
}

export interface StagedBatch {
  readonly rejected: readonly RejectedEvent[];
  readonly plans: Readonly<Record<string, Plan>>;
  /** All at the same time: whichever a crash leaves behind is made good by the redo. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export async function stageBatch<Output>(
  batches: readonly FilledBatch<Output>[],
  range: Omit<SinkRange, 'without'>,
  earlierPlans: Readonly<Record<string, Plan>>,
  span?: Span,
): Promise<StagedBatch> {
  const rejected = new Map<number, RejectedEvent>();
  for (;;) {
    const staged = await stageAll(batches, { ...range, without: new Set(rejected.keys()) }, earlierPlans, span);
    const refused = staged.flatMap(({ step }) => step.rejected);
    if (refused.length === 0) return stagedBatch(staged, [...rejected.values()], span);
    await abortAll(staged);
    for (const one of refused) rejected.set(one.offset, one);
  }
}

type Step = { readonly name: string; readonly step: Staged };

async function stageAll<Output>(
  batches: readonly FilledBatch<Output>[],
  range: SinkRange,
  earlierPlans: Readonly<Record<string, Plan>>,
  span: Span | undefined,
): Promise<readonly Step[]> {
  const staged: Step[] = [];
  const stage = async ({ name, batch }: FilledBatch<Output>): Promise<void> => {
    const step = await within(span?.begin(`stage ${name}`), () => batch.stage(range, earlierPlans[name]));
    staged.push({ name, step });
  };
  const results = await Promise.allSettled(batches.map(stage));
  const failed = results.find((result) => result.status === 'rejected');
  if (!failed) return staged;
  await abortAll(staged);
  throw failed.reason;
}

function stagedBatch(staged: readonly Step[], rejected: readonly RejectedEvent[], span: Span | undefined): StagedBatch {
  const commit = ({ name, step }: Step): Promise<void> => within(span?.begin(`commit ${name}`), () => step.commit());
  return {
    rejected,
    plans: Object.fromEntries(staged.map(({ name, step }) => [name, step.plan])),
    commit: () => allOf(staged.map(commit)),
    abort: () => abortAll(staged),
  };
}

/** Each one, also where another fails: a transaction that stayed open would keep the checkpoint locked. */
async function abortAll(staged: readonly Step[]): Promise<void> {
  await allOf(staged.map(({ step }) => step.abort()));
}

/** Waits for all; rejects with the first failure. */
async function allOf(tasks: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(tasks)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
