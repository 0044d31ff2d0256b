/**
 * A run of a pull that several nodes share: it is there whole or not at all, and an incremental pull has each version once, whichever of
 * them ran before, was killed, or stood still and goes on (D3, D5).
 *
 * An incremental run is intended in the keyed state, put, and done in the keyed state. Who finds one that is intended puts an empty object in
 * the place of its last one. Of both one is put, since each is put only where there is none: either the run is there, or it never will be.
 */
import { Fault } from '../../errors.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { putVersions, readVersions, versionsOf } from './known-versions.ts';
import { bytesOf, endRun, keysOf, type LandingParts, putLines, putRun, type RunKeys, wasPut } from './land-run.ts';
import type { IntendedRun, KnownUpTo, PullHold } from './pull-hold.ts';
import type { Run } from './run.ts';
import type { OpenRun, RunStore } from './run-store.ts';

export interface SharedRunParts {
  readonly pull: Pull;
  readonly store: RunStore;
  readonly objects: ObjectStore;
  readonly dir: string;
  readonly hold: PullHold;
}

export class SharedRun {
  readonly #parts: SharedRunParts;
  /** To put what must not replace anything. */
  readonly #putting: LandingParts;

  constructor(parts: SharedRunParts) {
    this.#parts = parts;
    this.#putting = { ...parts, objects: { putFile: (key, path) => this.#putOnce(key, path) } };
  }

  /** What the runs before have left, here and elsewhere. @throws Fault PULL_OVERTAKEN; those of the stores */
  async prepare(endedAt: string): Promise<void> {
    const { hold, pull } = this.#parts;
    if (hold.state.intended) await this.#endIntended(hold.state.intended);
    await this.#endOvertaken(endedAt);
    if (pull.incremental && hold.state.known) await this.#adopt(hold.state.known);
  }

  async begin({ id }: OpenRun): Promise<void> {
    const { hold } = this.#parts;
    if (hold.state.run !== id) await hold.change({ run: id });
  }

  async land(run: OpenRun, endedAt: string): Promise<Run> {
    const { hold, pull } = this.#parts;
    const keys = keysOf(pull, run);
    if (pull.incremental) return this.#landOnce(run, { endedAt, ...keys }, pull.incremental.overlap);
    // One that an overtaken node puts late is whole, too, and older by its name than what came after it.
    await hold.change({});
    await putRun(this.#parts, run, keys);
    return endRun(this.#parts, run, { endedAt, ...keys });
  }

  async #landOnce(run: OpenRun, end: RunKeys & { endedAt: string }, overlap: number): Promise<Run> {
    const { hold, pull, store, objects } = this.#parts;
    const { high, versions } = store.knownAfter(run, overlap);
    const known = {
      run: run.id,
      origin: run.origin,
      high,
      parts: await putVersions(objects, pull.name, run.id, versions),
    };
    // That no other node has put any of them since is certain once the state is changed.
    const before = await this.#versionsBefore(run);
    const keys = [end.deadLetters, end.object].filter((key) => key !== null);
    if (keys.length > 0) await hold.change({ intended: { ...known, keys } });
    await putRun(this.#putting, run, end);
    await hold.change({ intended: undefined, run: undefined, known });
    const done = endRun(this.#parts, run, end);
    await objects.deleteAll(before).catch(() => undefined); // the next run finds them
    return done;
  }

  async #versionsBefore({ id, pull }: Run): Promise<readonly string[]> {
    const all = await Array.fromAsync(this.#parts.objects.list(versionsOf(pull)));
    return all.filter((key) => !key.startsWith(`${versionsOf(pull)}${id}/`));
  }

  /** What is there is ours, as an answer can get lost, or empty. */
  async #putOnce(key: string, path: string): Promise<void> {
    const { objects } = this.#parts;
    if ((await objects.putNewFile(key, path)) || (await bytesOf(objects, key)) > 0) return;
    throw new Fault('PULL_OVERTAKEN', `another node has gone on with the pull, and keeps ${key} empty`);
  }

  async #endIntended({ keys, ...known }: IntendedRun): Promise<void> {
    const isThere = await this.#isThere(keys);
    await this.#parts.hold.change({ intended: undefined, run: undefined, ...(isThere && { known }) });
  }

  /** If not, none of them will ever have anything. */
  async #isThere(keys: readonly string[]): Promise<boolean> {
    const { objects } = this.#parts;
    const last = keys.at(-1) as string;
    if ((await bytesOf(objects, last)) > 0) return true;
    const putFile = async (key: string, path: string): Promise<void> => void (await objects.putNewFile(key, path));
    await putLines({ ...this.#parts, objects: { putFile } }, last, []);
    if ((await bytesOf(objects, last)) > 0) return true;
    for (const key of keys.slice(0, -1)) await objects.put(key, Buffer.alloc(0));
    return false;
  }

  /** A run that this node has not ended, where others have begun one since, or have ended it. */
  async #endOvertaken(endedAt: string): Promise<void> {
    const { hold, pull, store, objects } = this.#parts;
    const run = store.unfinished();
    if (run === undefined || run.id === hold.state.run) return;
    const keys = keysOf(pull, run);
    const isThere = hold.state.known?.run === run.id || (await wasPut(objects, run, keys));
    if (isThere) store.done(run, { endedAt, ...keys }, undefined);
    else store.failed(run, endedAt, 'given up: another node has gone on with the pull');
  }

  async #adopt(known: KnownUpTo): Promise<void> {
    const { pull, store, objects } = this.#parts;
    store.forgetKnown(known);
    for await (const versions of readVersions(objects, pull.name, known)) store.addKnown(versions);
  }
}
