/**
 * Who pulls, of the nodes that share a log, and what the runs of the pull have had, kept in the keyed state. One has it at a time, until a
 * moment that it puts off as long as it lives; then another one may take it.
 *
 * Every change names the value that it expects: who was overtaken, and does not know yet, changes nothing more (D3). So clocks that differ
 * cost a run that is given up, and no promise.
 */
import { randomUUID } from 'node:crypto';
import { Fault } from '../../errors.ts';
import type { StateStore } from '../../stores/state/state-store.ts';

/** What an incremental pull has had, up to that run. */
export interface KnownUpTo {
  readonly run: string;
  /** `OpenRun.origin` */
  readonly origin: string | null;
  /** The greatest value of its field. */
  readonly high: number | null;
  /** How many objects have the versions of the last stretch (`known-versions.ts`). */
  readonly parts: number;
}

/** A run that is being put. */
export interface IntendedRun extends KnownUpTo {
  /** Of its objects, in the order in which they are put: with the last one the run is there. */
  readonly keys: readonly string[];
}

export interface PullState {
  /** The run under way, or interrupted: another one than a node has in its data directory was begun since. */
  readonly run?: string | undefined;
  readonly intended?: IntendedRun | undefined;
  readonly known?: KnownUpTo | undefined;
  /** The last time of the schedule that somebody pulled at. Unix milliseconds, as the next one. */
  readonly dueMs?: number | undefined;
  /** Somebody has it. */
  readonly untilMs?: number | undefined;
}

interface Stored extends PullState {
  /** Makes each change one of its own. */
  readonly change: string;
}

export interface Taking {
  /** The run that this data directory has not ended: if it is the one under way, who had the pull was here, and has died. */
  readonly ownRun: string | undefined;
  /** The time of the schedule. Default: by hand. */
  readonly dueMs?: number | undefined;
  readonly now: () => number;
}

const heldMs = 30_000;
const renewMs = 10_000;
/** What is further ahead was told by a clock that was wrong: else nobody would pull until then. */
const mostAheadMs = 3_600_000;

export class PullHold {
  readonly #state: StateStore;
  readonly #pull: string;
  readonly #now: () => number;
  readonly #overtaken = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** As it was changed last. */
  #raw: Buffer | undefined;
  #known: PullState;
  /** A change of which it is not known whether it was made. */
  #unsure: { readonly raw: Buffer; readonly state: PullState } | undefined;
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(state: StateStore, pull: string, raw: Buffer | undefined, now: () => number) {
    this.#state = state;
    this.#pull = pull;
    this.#raw = raw;
    this.#known = raw ? (JSON.parse(raw.toString()) as Stored) : {};
    this.#now = now;
  }

  /** @throws Fault PULL_UNDER_WAY where another node has it, or has pulled at that time already */
  static async take(state: StateStore, pull: string, { ownRun, dueMs, now }: Taking): Promise<PullHold> {
    const hold = new PullHold(state, pull, await state.get(pullKey(pull)), now);
    const { run, untilMs, dueMs: lastMs } = hold.state;
    const nowMs = now();
    const isOwn = run !== undefined && run === ownRun;
    if (believed(untilMs, nowMs) > nowMs && !isOwn)
      throw new Fault('PULL_UNDER_WAY', `${pull} is pulled by another node`);
    if (dueMs !== undefined && dueMs <= believed(lastMs, nowMs))
      throw new Fault('PULL_UNDER_WAY', `${pull} was pulled by another node at that time`);
    await hold.#takeOver(dueMs);
    return hold;
  }

  get state(): PullState {
    return this.#known;
  }

  /** Its reason is the Fault. */
  get overtaken(): AbortSignal {
    return this.#overtaken.signal;
  }

  /** And has it for longer. One after the other. @throws Fault PULL_OVERTAKEN, STATE_UNAVAILABLE: then it may be changed */
  change(changes: PullState): Promise<void> {
    const changed = this.#changes.then(() => this.#replace({ untilMs: this.#now() + heldMs, ...changes }));
    this.#changes = changed.catch(() => undefined);
    return changed;
  }

  /** Where that fails, it is as where the process was killed. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.change({ untilMs: undefined }).catch(() => undefined);
  }

  async #takeOver(dueMs: number | undefined): Promise<void> {
    await this.change(dueMs === undefined ? {} : { dueMs }).catch((error: unknown) => {
      if (!this.overtaken.aborted) throw error;
      throw new Fault('PULL_UNDER_WAY', `another node has begun to pull ${this.#pull}`);
    });
    // Where the state does not answer, it is asked again; who was overtaken learns it by `overtaken`.
    this.#timer = setInterval(() => void this.change({}).catch(() => undefined), renewMs).unref();
  }

  async #replace(changes: PullState): Promise<void> {
    this.#overtaken.signal.throwIfAborted();
    const key = pullKey(this.#pull);
    if (this.#unsure) await this.#makeSure(key, this.#unsure);
    const state = { ...this.#known, ...changes };
    const raw = Buffer.from(JSON.stringify({ ...state, change: randomUUID() } satisfies Stored));
    this.#unsure = { raw, state };
    const isDone = await this.#state.commit({ expect: [{ key, value: this.#raw }], put: [{ key, value: raw }] });
    this.#unsure = undefined;
    if (!isDone) {
      const what = `another node has gone on with the pull ${this.#pull}`;
      this.#overtaken.abort(new Fault('PULL_OVERTAKEN', what));
      this.#overtaken.signal.throwIfAborted();
    }
    this.#raw = raw;
    this.#known = state;
  }

  async #makeSure(key: string, { raw, state }: { readonly raw: Buffer; readonly state: PullState }): Promise<void> {
    const found = await this.#state.get(key);
    if (found?.equals(raw)) [this.#raw, this.#known] = [raw, state];
    this.#unsure = undefined;
  }
}

function believed(ms: number | undefined, nowMs: number): number {
  return ms !== undefined && ms <= nowMs + mostAheadMs ? ms : -Infinity;
}

function pullKey(pull: string): string {
  return `pull/${pull}`;
}
