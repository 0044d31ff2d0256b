/**
 * Takes files: looks at each, decides whether it is whole, and appends the events of many in one batch with the memory of them (D1, D2,
 * D5). What has failed is in nothing: its files are where they were, and are found again.
 */
import type { PackagePrefix } from '../../event/correlation-id.ts';
import type { Budget } from '../../ingest/budget.ts';
import { newestCodec } from '../../ingest/newest-codec.ts';
import type { Patience } from '../../ingest/patience.ts';
import type { AppendOptions, Log } from '../../log/log.ts';
import type { FileSource, Pipeline } from '../../pipeline/pipeline.ts';
import type { Codec } from '../../schemas/codec.ts';
import type { Codecs } from '../../schemas/codecs.ts';
import { type Candidate, shownFile } from './candidate.ts';
import { cutFile } from './cut-file.ts';
import { FileGroup, type FileInGroup } from './file-group.ts';
import type { FileMemory, Taken } from './file-memory.ts';
import { contentOf, type FileVersion } from './file-version.ts';
import { HeldBytes } from './held-bytes.ts';
import { inParallel } from './in-parallel.ts';
import { type FileRead, lookAt, readFile } from './read-file.ts';
import { type Settling, tickMs } from './settling.ts';
import { type Away, takeAway } from './take-away.ts';

export interface FileLoaderOptions {
  readonly pipeline: Pipeline;
  readonly source: FileSource;
  readonly log: Log;
  readonly memory: FileMemory;
  readonly codecs: Codecs;
  readonly budget: Budget;
  readonly patience: Patience;
  readonly nextPackage: () => PackagePrefix;
  readonly settling: Settling;
  readonly onDefect: (error: unknown, correlationId: string) => void;
  /** Must not throw. */
  readonly observer: FileObserver;
}

export interface FileObserver {
  /** The files' events are durable. */
  readonly taken: (files: readonly FileInGroup[]) => void;
  readonly passedOver: (file: string, why: string) => void;
  /** It is durable, but stays where it is for now. */
  readonly notTakenAway: (file: string, error: unknown) => void;
}

/** Calls that wait for a disk or a network; Node.js does four of them at a time unless it is told otherwise. */
const readers = 32;
const bufferBytes = 64 * 1024;

export class FileLoader {
  readonly #options: FileLoaderOptions;
  readonly #buffers = Array.from({ length: readers }, () => Buffer.allocUnsafeSlow(bufferBytes));
  readonly #inHand = new Set<string>();
  #held: HeldBytes;
  #group: FileGroup;
  #appending: Promise<void> = Promise.resolve();
  #owner: AppendOptions = {};

  constructor(options: FileLoaderOptions) {
    this.#options = options;
    this.#group = this.#newGroup();
    this.#held = this.#newHeld();
  }

  /** Under which all that is found from now on is taken. After a failure, the log and the memory have to be asked anew before it. */
  begin(owner: AppendOptions): void {
    this.#owner = owner;
    this.#held.release();
    this.#held = this.#newHeld();
    this.#group = this.#newGroup();
    this.#inHand.clear();
    this.#appending = Promise.resolve();
  }

  /** Files of one pipeline that are to be looked at now. @throws Fault, those of the log among them; then `begin` */
  async look(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    const { log, memory, codecs, pipeline } = this.#options;
    const free = candidates.filter((candidate) => !this.#inHand.has(candidate.id));
    if (free.length === 0) return;
    await log.room(signal);
    const codec = await newestCodec(codecs, pipeline.schema.subject);
    const known = await memory.find(free.map(({ id }) => id));
    await inParallel(free, readers, async (candidate, index, reader) => {
      if (signal.aborted) return;
      await this.#lookAt(candidate, known[index], codec, this.#buffers[reader] as Buffer);
      if (this.#group.isFull) await this.#append();
    });
  }

  /** Resolves when everything that was taken is durable. */
  async finish(): Promise<void> {
    await this.#append();
    await this.#appending;
  }

  /** Resolves when nothing is under way any more, whatever came of it. */
  async settle(): Promise<void> {
    await this.#appending.catch(() => undefined); // who began it has been told
  }

  async #lookAt(candidate: Candidate, known: Taken | undefined, codec: Codec, buffer: Buffer): Promise<void> {
    const { settling, source } = this.#options;
    if ((known ?? settling.lastSeen(candidate.id)) !== undefined && (await this.#isAsBefore(candidate, known))) return;
    const atMs = settling.elapsedMs();
    const read = await readFile(candidate.path, {
      maxBytes: source.maxFileBytes,
      buffer,
      isLongUnchanged: (version) => settling.isLongUnchanged(version),
      reserve: (bytes) => this.#held.reserve(bytes),
    });
    if (read.kind === 'changed') settling.seen(candidate, read.version, tickMs);
    else if (read.kind !== 'read') this.#passOver(candidate, read);
    else
      try {
        await this.#decide({
          ...read,
          candidate,
          codec,
          known,
          unchangedMs: settling.unchangedMs(candidate.id, read.version, atMs),
        });
      } finally {
        read.release();
      }
  }

  /** Whether nothing is to be read: this version was taken, or has not settled yet. */
  async #isAsBefore(candidate: Candidate, known: Taken | undefined): Promise<boolean> {
    const { settling, source } = this.#options;
    const found = await lookAt(candidate.path);
    if (found.kind !== 'changed') return false; // reading it says why
    const { version } = found;
    if (known?.version !== version.id) return settling.isUnsettled(candidate, version);
    settling.done(candidate.id);
    if (source.afterwards !== 'leave' && !known.isRefused) await this.#takeAway(candidate, known, source.afterwards);
    return true;
  }

  async #decide({ candidate, version, bytes, codec, known, unchangedMs }: ReadCandidate): Promise<void> {
    const { settling, source } = this.#options;
    if (unchangedMs < tickMs) return settling.seen(candidate, version, tickMs);
    const content = contentOf(bytes);
    const before = this.#group.batch.bytes;
    const file = { candidate, version, content, bytes, codec };
    if (known?.content === content && (source.afterwards === 'leave' || known.isRefused))
      this.#group.addUnchanged(file, known.isRefused);
    else {
      const cut = cutFile(bytes, source.format);
      const couldGrow = source.format !== 'json' || 'notJson' in cut;
      if (couldGrow && unchangedMs < source.settledAfterMs)
        return settling.seen(candidate, version, source.settledAfterMs);
      this.#group.add({ ...file, cut });
    }
    this.#inHand.add(candidate.id);
    settling.done(candidate.id);
    await this.#held.change(this.#group.batch.bytes - before);
  }

  #passOver(candidate: Candidate, read: Exclude<FileRead, { readonly kind: 'read' | 'changed' }>): void {
    const { settling, observer, source } = this.#options;
    settling.done(candidate.id);
    if (read.kind === 'gone') return;
    const why = {
      unreadable: 'cannot be read',
      'no file': 'is no file',
      'too large': `has more than ${source.maxFileBytes} bytes`,
    };
    const code = read.kind === 'unreadable' ? ` (${read.code})` : '';
    observer.passedOver(shownFile(candidate), `${why[read.kind]}${code}`);
  }

  /** One group is appended while the next one is filled. */
  async #append(): Promise<void> {
    const group = this.#group;
    if (group.files.length === 0) return;
    this.#group = this.#newGroup();
    const before = this.#appending;
    this.#appending = before.then(() => this.#store(group));
    this.#appending.catch(() => undefined); // told to who waits for it
    await before;
  }

  async #store({ batch, files }: FileGroup): Promise<void> {
    const { log, memory, observer, source } = this.#options;
    const { bytes } = batch;
    await log.append(batch, this.#owner);
    await memory.appended(files.map(({ candidate, taken }) => [candidate.id, taken]));
    observer.taken(files);
    const { afterwards } = source;
    if (afterwards !== 'leave')
      await inParallel(files, readers, async ({ candidate, taken }) => {
        if (!taken.isRefused) await this.#takeAway(candidate, taken, afterwards);
      });
    for (const { candidate } of files) this.#inHand.delete(candidate.id);
    await this.#held.change(-bytes);
  }

  /** What cannot be taken away now is found and tried again. */
  async #takeAway(candidate: Candidate, { version }: Taken, away: Away): Promise<void> {
    const { memory, settling, observer } = this.#options;
    try {
      if (await takeAway(candidate, version, away)) memory.forget(candidate.id);
      else settling.heardOf(candidate);
    } catch (error) {
      observer.notTakenAway(shownFile(candidate), error);
    }
  }

  #newGroup(): FileGroup {
    const { pipeline, memory, log, nextPackage, onDefect } = this.#options;
    return new FileGroup({ pipeline, memory, batch: log.batch(), nextPackage, onDefect });
  }

  #newHeld(): HeldBytes {
    const { budget, patience } = this.#options;
    return new HeldBytes(budget.share(), patience);
  }
}

interface ReadCandidate {
  readonly candidate: Candidate;
  readonly version: FileVersion;
  readonly bytes: Buffer;
  readonly codec: Codec;
  readonly known: Taken | undefined;
  /** For so long before it was read. */
  readonly unchangedMs: number;
}
