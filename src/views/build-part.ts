/**
 * Counts one partition of a log into a generation that is being built. It may do so in a process of its own
 * (engine/part-process.ts): what it is told and what it tells are plain values.
 */
import { Fault, isFault } from '../errors.ts';
import type { LogReader, TopicPartition } from '../log/log.ts';
import type { ConvertOrVoid } from '../processing/void-packages.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { AnyView } from './rows.ts';
import type { ViewIdentity } from './view-keys.ts';
import { type Building, openViewState, type ViewState } from './view-state.ts';

/** Of which the builder is told. */
export interface PartAsked {
  readonly at: TopicPartition;
  /** The first offset that the log has. */
  readonly start: number;
  readonly building: Building;
  /** Rather without what the log has let go of than not at all. */
  readonly isPartial: boolean;
}

export interface PartProgress {
  /** All below it is counted, or gone. */
  readonly next: number;
  /** Offsets that the log has let go of. */
  readonly gone: number;
}

export interface Part {
  /** Counts what is below `end`. @throws Fault VIEW_PARTIAL, CHECKPOINT_STALE, STATE_UNAVAILABLE, STATE_FULL; the signal's reason */
  readTo(end: number, onProgress: (progress: PartProgress) => void, signal: AbortSignal): Promise<void>;
  /** All that is counted is in the store when it resolves. @throws as `readTo` */
  commit(): Promise<void>;
}

export interface BuildPartOptions {
  readonly log: LogReader;
  readonly store: StateStore;
  readonly of: ViewIdentity;
  readonly view: AnyView;
  readonly convert: ConvertOrVoid<object>;
  readonly onSkipped: (at: TopicPartition, offset: number, error: unknown) => void;
}

/** Of small events with a row each that is some 10,000 entries. */
const pageBytes = 256 * 1024;
/**
 * Some 15 MB of memory. The more are put at once, in their order, the fewer pages LMDB writes for each: it took 4.3 us of processor time
 * to put 48,000 entries, each, where it took 12.9 us to put 6,000 in any order.
 */
const commitAtEntries = 50_000;

/** @throws Fault STATE_UNAVAILABLE */
export async function openPart(options: BuildPartOptions, asked: PartAsked): Promise<Part> {
  const { store, of, view, onSkipped } = options;
  const { at, building } = asked;
  const told = (offset: number, error: unknown): void => onSkipped(at, offset, error);
  const state = await openViewState({ store, of, view, partition: at.partition, building, onSkipped: told });
  state.passOver(asked.start);
  return new LocalPart(options, asked, state);
}

class LocalPart implements Part {
  readonly #options: BuildPartOptions;
  readonly #asked: PartAsked;
  readonly #state: ViewState;
  #gone: number;
  /** Goes on beside what is read. */
  #committing: Promise<void> = Promise.resolve();

  constructor(options: BuildPartOptions, asked: PartAsked, state: ViewState) {
    this.#options = options;
    this.#asked = asked;
    this.#state = state;
    this.#gone = asked.start;
  }

  async readTo(end: number, onProgress: (progress: PartProgress) => void, signal: AbortSignal): Promise<void> {
    while (this.#state.next < end) {
      signal.throwIfAborted();
      await this.#readPage();
      if (this.#state.dirtyEntries >= commitAtEntries) {
        await this.#committing;
        this.#committing = this.#state.commit();
        this.#committing.catch(() => undefined); // told to whoever waits for it next
      }
      onProgress({ next: this.#state.next, gone: this.#gone });
    }
  }

  async commit(): Promise<void> {
    await this.#committing;
    await this.#state.commit();
  }

  async #readPage(): Promise<void> {
    const { log, convert } = this.#options;
    try {
      const page = await log.read(this.#asked.at, this.#state.next, { maxBytes: pageBytes });
      await this.#state.apply(page.records, await convert(page.records), page.next);
    } catch (error) {
      if (!isFault(error, 'OFFSET_OUT_OF_RANGE')) throw error;
      await this.#passOver(error);
    }
  }

  /** What the log has let go of since this has begun. */
  async #passOver(outOfRange: Fault): Promise<void> {
    const { at, isPartial } = this.#asked;
    const { start } = await this.#options.log.range(at);
    const gone = start - this.#state.next;
    if (gone <= 0) throw outOfRange;
    if (!isPartial) throw partial(at.topic, gone);
    this.#gone += gone;
    this.#state.passOver(start);
  }
}

export function partial(topic: string, gone: number): Fault {
  return new Fault(
    'VIEW_PARTIAL',
    `the log has let go of ${gone} offsets of ${topic}, which the new view would be without`,
  );
}
