/**
 * Files as a source: what stands in the directories of a pipeline goes into its topic, each version of each file whole, and once.
 *
 * - Directories are listed, again and again, which finds every file; watching them only makes it sooner.
 * - Where several nodes share a log, one at a time takes the files of a pipeline. What it appends is refused as soon as another one may have
 *   begun (`PartitionOwner`), and that one begins when everything in the log is decided: so each file is taken once all the same.
 * - Whatever fails, files stay where they are, and all is looked at anew from what the log says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../errors.ts';
import type { Member } from '../../log/log.ts';
import { stateId } from '../../processing/state-id.ts';
import type { StateStore } from '../../stores/state/state-store.ts';
import { type BytePath, nameIn } from './byte-path.ts';
import { type Candidate, candidateAt, type Inbox, inboxAt, shownFile } from './candidate.ts';
import { checkInboxes } from './check-inboxes.ts';
import { DirectoryWatch } from './directory-watch.ts';
import { FileLoader, type FileLoaderOptions, type FileObserver } from './file-loader.ts';
import { filesAt } from './file-memory.ts';
import { nameMatcher } from './file-names.ts';
import { idAndPath, type PassedOver } from './list-files.ts';
import { Settling } from './settling.ts';
import { FileLooks } from './file-looks.ts';
import { LookAnswers } from './answer-looks.ts';
import { checkMovable, endTakenAway } from './take-away.ts';

export interface FileSourceOptions extends Omit<FileLoaderOptions, 'settling' | 'observer'> {
  /** Where nodes that share the log keep what they share. */
  readonly state: StateStore;
  /** In which relative directories stand. */
  readonly workingDir: string;
  readonly observer: Omit<FileObserver, 'stillRefused'> & FileSourceObserver;
}

export interface FileSourceObserver {
  /** Nothing of it is lost; it goes on by itself. */
  readonly failed: (error: unknown) => void;
  readonly waiting: (files: number, longestMs: number) => void;
}

const retryMs = 1_000;
/** A listing takes at most this share of the time. */
const listingShare = 1 / 10;
const mostDue = 256;
/** Whether another node was asked for a look is asked so often. */
const longestPauseMs = 1_000;

export class FileSource {
  readonly #options: FileSourceOptions;
  readonly #inboxes: readonly Inbox[];
  readonly #settling = new Settling();
  readonly #loader: FileLoader;
  readonly #looks: FileLooks;
  readonly #answers: LookAnswers;
  readonly #watches: readonly DirectoryWatch[];
  readonly #matches: (name: BytePath) => boolean;
  readonly #ending = new AbortController();
  #member: Promise<Member> | undefined;
  #working: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;
  #nextListingMs = 0;
  #wake: () => void = () => undefined;

  private constructor(options: FileSourceOptions, inboxes: readonly Inbox[]) {
    this.#options = options;
    this.#inboxes = inboxes;
    this.#matches = nameMatcher(options.source.match);
    this.#looks = new FileLooks(options.state, { logId: options.log.id, pipeline: options.pipeline.name });
    this.#answers = new LookAnswers(this.#looks, this.#settling);
    const passedOver = (file: string, why: string): void => this.#passOver(file, why);
    const stillRefused = (file: string, why: string): void => this.#answers.passedOver(file, why);
    const observer = { ...options.observer, passedOver, stillRefused };
    this.#loader = new FileLoader({ ...options, settling: this.#settling, observer });
    this.#watches = inboxes.map((inbox) => this.#watchOf(inbox));
  }

  /** Resolves at once; directories may come later. @throws Fault CONFIG_INVALID for directories that cannot be used as they are configured */
  static async start(options: FileSourceOptions): Promise<FileSource> {
    const { source, log, pipeline, state, workingDir } = options;
    const of = { logId: log.id, pipeline: pipeline.name };
    const inboxes = source.directories.map((name) => inboxAt(name, workingDir, of));
    await checkInboxes(inboxes, source);
    const started = new FileSource(options, inboxes);
    started.#member = log.join({
      consumer: `${pipeline.name}-files`,
      topic: filesAt.topic,
      stateId: () => stateId(state),
      onAssigned: (partitions) => started.#assigned(partitions.length > 0),
      onError: (error) => options.observer.failed(error),
    });
    await started.#member;
    return started;
  }

  /** Asks whichever node takes the files; see file-looks.ts. @throws Fault STATE_UNAVAILABLE, STATE_FULL */
  async askForLook(): Promise<number> {
    const look = await this.#looks.ask();
    this.#wake();
    return look;
  }

  /** Takes no further file, and ends those in hand (D8). */
  async drain(): Promise<void> {
    this.#ending.abort();
    this.#working?.stop.abort();
    await this.#working?.ended;
    await (await this.#member)?.leave();
  }

  #assigned(isOurs: boolean): void {
    if (isOurs === (this.#working?.stop.signal.aborted === false) || this.#ending.signal.aborted) return;
    const before = this.#working?.ended ?? Promise.resolve();
    this.#working?.stop.abort();
    if (!isOurs) return;
    const stop = new AbortController();
    this.#working = { stop, ended: before.then(() => this.#work(stop.signal)) };
  }

  /** Never rejects. */
  async #work(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      try {
        await this.#begin();
        while (!signal.aborted) await this.#turn(signal);
        await this.#loader.finish();
        await this.#options.memory.catchUp(); // a file that is gone is not to be known by the next life
      } catch (error) {
        await this.#loader.settle();
        if (signal.aborted && isFault(error, 'BUSY')) break; // waited for room, and is told to end
        this.#options.observer.failed(error);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined); // told to end
      }
    }
    for (const watch of this.#watches) watch.close();
  }

  /** From what the log has; what was under way is forgotten. */
  async #begin(): Promise<void> {
    const { memory, reader } = this.#options;
    await reader.begin();
    const member = await (this.#member as Promise<Member>);
    const term = member.term(filesAt); // before anything is read that is decided by
    await memory.catchUp();
    this.#loader.begin({ owner: { member, at: filesAt, term, landedTo: memory.progress.offset } });
    this.#answers.begin();
    this.#nextListingMs = 0;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (performance.now() >= this.#nextListingMs || (await this.#answers.isAsked())) await this.#listAll(signal);
    await this.#lookAtDue(signal);
    await this.#loader.finish();
    this.#tellWaiting();
    await this.#answers.tell();
    const dueMs = Math.min(this.#nextListingMs - performance.now(), this.#settling.untilDueMs());
    const untilMs = Math.min(dueMs, longestPauseMs);
    if (untilMs > 0 && !signal.aborted) await this.#pause(untilMs);
  }

  async #listAll(signal: AbortSignal): Promise<void> {
    const { source } = this.#options;
    const startedMs = performance.now();
    this.#nextListingMs = Infinity; // unless something is missed from now on
    await this.#answers.listingBegins();
    await this.#answers.tell();
    for (const [index, inbox] of this.#inboxes.entries()) {
      if (signal.aborted) return;
      await this.#watches[index]?.renew();
      if (await this.#isUsable(inbox)) await this.#list(inbox, signal);
    }
    const tookMs = performance.now() - startedMs;
    await this.#loader.finish();
    if (!signal.aborted) this.#answers.listingEnds();
    const pauseMs = Math.max(source.listEveryMs, tookMs / listingShare);
    this.#nextListingMs = Math.min(this.#nextListingMs, performance.now() + pauseMs);
  }

  /** Nothing is under way in it: what was to be taken away before is taken away now. */
  async #isUsable(inbox: Inbox): Promise<boolean> {
    const { source, observer, memory } = this.#options;
    const { afterwards } = source;
    if (afterwards === 'leave') return true;
    try {
      if (afterwards === 'move') await checkMovable(inbox);
    } catch (error) {
      if (!isFault(error, 'CONFIG_INVALID')) throw error;
      this.#passOver(inbox.shown, error.message); // the other directories go on
      return false;
    }
    const gone = await endTakenAway(inbox, afterwards, {
      wasTaken: async ({ id }, version) => (await memory.find([id]))[0]?.version === version,
      onFailed: (relative, error) => observer.notTakenAway(shownFile({ inbox, relative }), error),
    });
    for (const id of gone) memory.forget(id);
    return true;
  }

  async #list(inbox: Inbox, signal: AbortSignal): Promise<void> {
    const { source, reader } = this.#options;
    const passOver = ({ path, why }: PassedOver): void => this.#passOver(shownFile({ inbox, relative: path }), why);
    const isOurs = (path: BytePath): boolean => this.#matches(nameIn(path));
    const { root, scope } = inbox;
    const pages = reader.list({ root, scope, subdirectories: source.subdirectories });
    for await (const { files, others, unlisted } of pages) {
      if (signal.aborted) return;
      for (const one of others) if (isOurs(one.path)) passOver(one);
      unlisted.forEach(passOver);
      const candidates = files
        .map(idAndPath)
        .flatMap(([id, path]) => (isOurs(path) ? [candidateAt(inbox, path, id)] : []));
      await this.#loader.look(candidates, signal);
      await this.#lookAtDue(signal);
      await this.#answers.tell();
    }
  }

  async #lookAtDue(signal: AbortSignal): Promise<void> {
    const due: readonly Candidate[] = this.#settling.due(mostDue);
    if (due.length > 0 && !signal.aborted) await this.#loader.look(due, signal);
  }

  #watchOf(inbox: Inbox): DirectoryWatch {
    const onChange = (name: BytePath | undefined): void => {
      if (name && !this.#matches(name)) return;
      const isNoted = name !== undefined && this.#settling.heardOf(candidateAt(inbox, name));
      if (!isNoted) this.#nextListingMs = Math.min(this.#nextListingMs, performance.now() + retryMs);
      this.#wake();
    };
    const onError = (error: unknown): void =>
      this.#options.observer.passedOver(
        inbox.name,
        `cannot be watched (${(error as NodeJS.ErrnoException).code}); it is listed every ${this.#options.source.listEveryMs} ms`,
      );
    return new DirectoryWatch({ root: inbox.root, onChange, onError });
  }

  #passOver(file: string, why: string): void {
    this.#answers.passedOver(file, why);
    this.#options.observer.passedOver(file, why);
  }

  #tellWaiting(): void {
    this.#options.observer.waiting(this.#settling.size, this.#settling.longestMs);
  }

  /** Ends sooner where something is heard of. */
  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1));
    await promise;
    clearTimeout(timer);
    this.#wake = () => undefined;
  }
}
