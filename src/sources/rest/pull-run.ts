/**
 * A run from its first page to its object: begun, or gone on with where it stopped, started over where the list has changed under it, and
 * put into the object store at once when all is here (D1, D3). A redo after a crash writes the same key with the same bytes.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault, reasonOf } from '../../errors.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { ApiClient, type ApiObserver, NoSuchPage } from './api-client.ts';
import type { Variables } from './authorisation.ts';
import { Fetching, onRepeat } from './fetching.ts';
import { keysOf, landRun, wasPut } from './land-run.ts';
import { Changed } from './paging.ts';
import { type Run, runId } from './run.ts';
import type { OpenRun, RunStore } from './run-store.ts';
import type { SharedRun } from './shared-run.ts';

export interface PullObserver extends ApiObserver {
  /** After each page. Must not throw. */
  readonly turned: (run: Run) => void;
  /** The list changed under the run, which begins anew. Must not throw. */
  readonly startedOver: (run: Run) => void;
}

export interface PullRunOptions {
  readonly pull: Pull;
  readonly store: RunStore;
  readonly objects: Pick<ObjectStore, 'putFile' | 'entries' | 'delete'>;
  /** Where files lie until they are objects. */
  readonly dir: string;
  readonly variables: Variables;
  readonly observer: PullObserver;
  readonly signal: AbortSignal;
  /** Of a pull that several nodes share. Default: the data directory's own. */
  readonly shared?: SharedRun;
  /** Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Of pauses. Default `Math.random`. */
  readonly random?: () => number;
}

/** Then the run has failed: a list that changes so often would change again. */
const mostRestarts = 5;
const firstRestartPauseMs = 200;
/** An older run is not gone on with: what it has is of another day. */
const resumableMs = 24 * 3_600_000;

/** @returns the run, done @throws Fault PULL_UNAVAILABLE, PULL_REFUSED, PULL_UNSTABLE, CONFIG_INVALID, those of the object store; the signal's reason */
export async function pullRun(options: PullRunOptions): Promise<Run> {
  const { pull, store, signal, shared, now = Date.now } = options;
  const client = new ApiClient(options);
  try {
    let run = await openRun(options, client.base, now());
    try {
      await shared?.begin(run);
      const fetching = new Fetching({ pull, store, client, onTurned: options.observer.turned });
      for (let isSettled = false; !isSettled;) {
        signal.throwIfAborted();
        const hasAll = run.state === 'fetched';
        run = await orOver(options, run, () => (hasAll ? store.settled(run, onRepeat(pull)) : fetching.nextPage(run)));
        isSettled = hasAll && run.state === 'fetched'; // else it began anew
      }
      const endedAt = new Date(now()).toISOString();
      return await (shared ? shared.land(run, endedAt) : landRun(options, run, endedAt));
    } catch (error) {
      if (isFault(error, 'PULL_UNSTABLE')) store.failed(run, new Date(now()).toISOString(), error.message);
      else store.stopped(run, signal.aborted ? 'interrupted' : reasonOf(error));
      throw error;
    }
  } finally {
    await client.close();
  }
}

async function openRun(options: PullRunOptions, base: URL, nowMs: number): Promise<OpenRun> {
  const { pull, store } = options;
  const definition = digestOf(pull, base);
  const found = store.unfinished();
  if (found?.definition === definition && nowMs - Date.parse(found.startedAt) < resumableMs) return store.goOn(found);
  const startedAt = new Date(nowMs).toISOString();
  if (found) await endFound(options, found, startedAt);
  const origin = originOf(pull, base);
  const high = pull.incremental && store.high(origin);
  const since = high === undefined ? null : high - (pull.incremental?.overlap ?? 0);
  return store.begin({ id: runId(nowMs), pull: pull.name, startedAt, definition, origin, since });
}

/** One that is not gone on with. What was put is there, and must not come again (D5). */
async function endFound({ pull, store, objects }: PullRunOptions, run: OpenRun, endedAt: string): Promise<void> {
  const keys = keysOf(pull, run);
  if (await wasPut(objects, run, keys)) return store.done(run, { endedAt, ...keys }, pull.incremental?.overlap);
  if (run.state === 'fetched' && keys.deadLetters !== null) await objects.delete(keys.deadLetters); // put before the object
  store.failed(run, endedAt, 'given up: it is too old, or the pull was changed');
}

/** Where values of the field of an incremental pull come from. */
function originOf({ path, incremental }: Pull, base: URL): string | null {
  if (!incremental) return null;
  const { field, type, parameter } = incremental;
  return [new URL(path, base).href, field, type, parameter].join('\n');
}

/** Of all that decides what a run has, its functions included. */
function digestOf(pull: Pull, base: URL): string {
  const { timeouts: _timeouts, attempts: _attempts, schedule: _schedule, ...decisive } = pull;
  const pages = { ...pull.pages, parallel: undefined };
  const text = JSON.stringify({ ...decisive, pages }, (_name, value: unknown) =>
    typeof value === 'function' ? value.toString() : value,
  );
  return createHash('sha256').update(`${base.href}\n${text}`).digest('base64');
}

/** @param step throws where the list has changed: then the run begins anew */
async function orOver(
  { pull, store, observer, signal, random = Math.random }: PullRunOptions,
  run: OpenRun,
  step: () => Promise<OpenRun>,
): Promise<OpenRun> {
  try {
    return await step();
  } catch (error) {
    const why = whyChanged(error, run);
    if (why === undefined) throw error;
    const again = store.startOver(run, why);
    if (again.restarts > mostRestarts)
      throw new Fault('PULL_UNSTABLE', `pull ${pull.name} began ${again.restarts} times; last: ${why}`);
    observer.startedOver(again);
    const pauseMs = random() * firstRestartPauseMs * 2 ** again.restarts;
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    return again;
  }
}

/** A page that was promised and is not there: the list is shorter now, or the cursor belongs to another one. */
function whyChanged(error: unknown, { position }: OpenRun): string | undefined {
  if (error instanceof Changed) return error.message;
  if (!(error instanceof NoSuchPage)) return undefined;
  if (position.had > 0 || position.at !== undefined) return error.message;
  throw new Fault('PULL_REFUSED', error.message);
}
