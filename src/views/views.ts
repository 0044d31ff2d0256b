/**
 * The views of the pipelines that run here: each kept by a loop for each partition that is this process's (docs/decisions/views.md), and
 * read by whoever asks. A view stands in the views' store, of which one generation answers; `rebuild.ts` makes another one from the log.
 */
import type { Log, Member, TopicPartition } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { ReadView, ViewOf, ViewReader } from '../pipeline/views.ts';
import { AssignedLoops } from '../processing/assigned-loops.ts';
import type { Consumer } from '../processing/consumer.ts';
import { stateId } from '../processing/state-id.ts';
import type { ConvertOrVoid } from '../processing/void-packages.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { AnyView } from './rows.ts';
import { viewConsumer, type ViewIdentity } from './view-keys.ts';
import { ViewLoop, type ViewObserver } from './view-loop.ts';
import { LogViewReader } from './view-reader.ts';

export interface ViewsOptions {
  readonly log: Log;
  /** May come back from a crash at an earlier commit: what is lost is counted again as far as the log has it. */
  readonly store: StateStore;
  readonly pipelines: readonly Pipeline[];
  readonly convert: (pipeline: Pipeline) => ConvertOrVoid<object>;
  readonly observe: (consumer: string) => ViewsObserver;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

export interface ViewsObserver extends ViewObserver {
  readonly assigned: (topic: string, partitions: readonly number[]) => void;
  readonly unassigned: (topic: string, error: unknown) => void;
}

/** The views, as consumers of their topics. */
export function viewConsumersOf(pipelines: readonly Pipeline[]): readonly Consumer[] {
  return pipelines.flatMap(({ name: pipeline, topic, views }) =>
    views.map(({ name: view }) => ({
      name: viewConsumer({ pipeline, view }),
      topic: topic.name,
      view: { pipeline, view },
    })),
  );
}

interface Kept {
  readonly loops: AssignedLoops<ViewLoop>;
  readonly member: Member;
  readonly reader: LogViewReader;
}

export class Views {
  readonly #options: ViewsOptions;
  readonly #kept = new Map<AnyView, Kept>();

  private constructor(options: ViewsOptions) {
    this.#options = options;
  }

  static async start(options: ViewsOptions): Promise<Views> {
    const views = new Views(options);
    for (const pipeline of options.pipelines)
      for (const view of pipeline.views) views.#kept.set(view, await views.#keep(pipeline, view));
    return views;
  }

  /** @throws Error for a view of a pipeline that does not run here */
  readonly read: ReadView = <Row>(view: ViewOf<Row>): ViewReader<Row> => {
    const kept = this.#kept.get(view);
    if (kept) return kept.reader as unknown as ViewReader<Row>; // whose rows are named by the view's own measures
    throw new Error(`no pipeline that runs here has the view ${view.name}`);
  };

  /** Commits what is counted (D8). */
  async drain(): Promise<void> {
    await Promise.all([...this.#kept.values()].map(leave));
  }

  async #keep(pipeline: Pipeline, view: AnyView): Promise<Kept> {
    const { log, store, convert, observe, now = Date.now } = this.#options;
    const of: ViewIdentity = { logId: log.id, pipeline: pipeline.name, view: view.name };
    const consumer = viewConsumer(of);
    const { assigned, unassigned, ...observer } = observe(consumer);
    const loopOptions = { log, convert: convert(pipeline), state: { store, of, view, now }, observer };
    const loops = new AssignedLoops((at: TopicPartition) => new ViewLoop(at, loopOptions));
    const topic = pipeline.topic.name;
    const member = await log.join({
      consumer,
      topic,
      stateId: () => stateId(store),
      onAssigned: (partitions) => {
        const numbers = partitions.map(({ partition }) => partition);
        assigned(topic, numbers);
        loops.assign(partitions);
      },
      onError: (error) => unassigned(topic, error),
    });
    const loopOf = (partition: number): ViewLoop | undefined => loops.of(partition);
    return { loops, member, reader: new LogViewReader({ log, store, of, topic, view, loopOf }) };
  }
}

async function leave({ loops, member }: Kept): Promise<void> {
  await loops.drain();
  await member.leave();
}
