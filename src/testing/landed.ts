/** When everything in the log has landed, as processors tell it; and why not, where it does not. */
import type { Engine } from '../engine/engine.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { readLag } from '../processing/lag.ts';
import type { ProcessorObserver } from '../processing/partition-processor.ts';

export interface LandedOptions {
  readonly engine: Engine;
  readonly pipeline: Pipeline;
  readonly crashed: Promise<void>;
}

export class Landed {
  readonly #options: LandedOptions;
  #told = Promise.withResolvers<void>();
  #halted: unknown;
  #hasCrashed = false;
  #lastFailure: Error | undefined;

  constructor(options: LandedOptions) {
    this.#options = options;
    void options.crashed.then(() => this.#crash());
  }

  /** Of the keeper of dead letters only failures count: letters are read from the log. */
  observer(consumer: string): ProcessorObserver {
    return {
      landed: () => this.#tell(),
      failed: (_at, error) => this.failed(error),
      halted: (_at, error) => {
        if (consumer === this.#options.pipeline.name) this.#halted = error;
        this.failed(error);
      },
      noticed: () => undefined,
      replayed: () => undefined,
      assigned: () => undefined,
      unassigned: (_topic, error) => this.failed(error),
    };
  }

  failed(error: unknown): void {
    this.#lastFailure = error instanceof Error ? error : new Error(JSON.stringify(error));
    this.#tell(); // a commit of which only the answer failed is not told otherwise
  }

  /** @throws Fault PIPELINE_HALTED, and errors that say that the process crashed, or what has not landed in time and why */
  async all(withinMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = setTimeout(resolve, withinMs, 'late');
    try {
      for (;;) {
        const told = this.#told.promise.then(() => 'told' as const);
        const behind = await this.#behind();
        if (this.#hasCrashed) throw new Error('the process crashed before it could tell that everything has landed');
        if (behind === 0) return;
        if (this.#halted !== undefined) throw this.#halted;
        if ((await Promise.race([told, late])) === 'late') throw this.#notInTime(withinMs, behind);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Of the records of the topic, how many. */
  async #behind(): Promise<number> {
    const { engine, pipeline } = this.#options;
    const rows = await readLag(engine, [{ name: pipeline.name, topic: pipeline.topic.name }]);
    return rows.reduce((sum, { lag }) => sum + lag, 0);
  }

  #notInTime(withinMs: number, behind: number): Error {
    const cause = this.#lastFailure;
    const why = cause === undefined ? 'nothing has failed' : `the last failure: ${cause.message}`;
    return new Error(`${behind} records have not landed within ${withinMs} ms; ${why}`, { cause });
  }

  #crash(): void {
    this.#hasCrashed = true;
    this.#tell();
  }

  #tell(): void {
    this.#told.resolve();
    this.#told = Promise.withResolvers();
  }
}
