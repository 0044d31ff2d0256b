/**
 * Takes files: looks at each, decides whether it is whole, and appends the events of many in one batch with the memory of them (D1, D2,
 * D5). What has failed is in nothing: its files are where they were, and are found again.
 */
import { isFault } from '../../errors.ts';
import type { PackagePrefix } from '../../event/correlation-id.ts';
import type { Budget } from '../../ingest/budget.ts';
import { newestCodec } from '../../ingest/newest-codec.ts';
import type { Patience } from '../../ingest/patience.ts';
import type { AppendOptions, Log } from '../../log/log.ts';
import type { FileSource, Pipeline } from '../../pipeline/pipeline.ts';
import type { Codec } from '../../schemas/codec.ts';
import type { Codecs } from '../../schemas/codecs.ts';
import { type Candidate, pathOf, shownFile } from './candidate.ts';
import { cutFile } from './cut-file.ts';
import { FileGroup, type FileInGroup } from './file-group.ts';
import type { FileMemory, Taken } from './file-memory.ts';
import type { FileReader, ReadPage } from './file-reader.ts';
import type { FileVersion } from './file-version.ts';
import { HeldBytes } from './held-bytes.ts';
import { inParallel } from './in-parallel.ts';
import { type LargeFileRead, readFile } from './read-file.ts';
import type { AskedFile } from './read-page.ts';
import { RefusedFiles } from './refused-files.ts';
import { type Settling, tickMs } from './settling.ts';
import type { FileToTakeAway } from './thread-messages.ts';

export interface FileLoaderOptions {
  readonly pipeline: Pipeline;
  readonly source: FileSource;
  readonly log: Log;
  readonly memory: FileMemory;
  readonly reader: FileReader;
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
  /** The log does not take it, as was told before. */
  readonly stillRefused: (file: string, why: string) => void;
  /** It is durable, but stays where it is for now. */
  readonly notTakenAway: (file: string, error: unknown) => void;
}

const tooLargeForLog = 'has an event that is larger than the log takes';
/** Large files are read side by side; Node.js does as many as it has threads. */
const atOnce = 32;

export class FileLoader {
  readonly #options: FileLoaderOptions;
  /** Being read, or on their way into the log. */
  readonly #inHand = new Set<string>();
  readonly #refused = new RefusedFiles();
  #held: HeldBytes;
  #group: FileGroup;
  /** Of the group, which are not counted yet. */
  #unheldBytes = 0;
  /** Being read, the oldest first. */
  #looks: Look[] = [];
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
    this.#unheldBytes = 0;
    this.#looks = [];
    this.#inHand.clear();
    this.#appending = Promise.resolve();
  }

  /**
   * Files of one pipeline that are to be looked at now: these are read while those before them are decided on.
   * @throws Fault, those of the log among them; then `begin`
   */
  async look(candidates: readonly Candidate[], signal: AbortSignal): Promise<void> {
    const { log, memory, codecs, pipeline, reader } = this.#options;
    const free = candidates.filter(({ id }) => !this.#inHand.has(id));
    if (free.length === 0 || signal.aborted) return;
    await log.room(signal);
    const codec = await newestCodec(codecs, pipeline.schema.subject);
    const known = await memory.find(free.map(({ id }) => id));
    for (const { id } of free) this.#inHand.add(id);
    this.#looks.push(
      this.#read({ codec, files: free.map((candidate, index) => ({ candidate, known: known[index] })) }),
    );
    await this.#decideUntil(reader.atOnce);
  }

  /** Resolves when everything that was taken is durable. */
  async finish(): Promise<void> {
    await this.#decideUntil(0);
    await this.#append();
    await this.#appending;
  }

  /** Resolves when nothing is under way any more, whatever came of it. */
  async settle(): Promise<void> {
    await this.#appending.catch(() => undefined); // who began it has been told
  }

  #read({ files, codec }: Pick<Look, 'files' | 'codec'>): Look {
    const { reader, settling, source } = this.#options;
    const atMs = settling.elapsedMs();
    const asked = files.map(({ candidate, known }): AskedFile => {
      const refused = this.#refused.version(candidate.id);
      const unless = [known?.version, settling.unsettled(candidate.id), refused].filter(
        (version) => version !== undefined,
      );
      return { path: pathOf(candidate), unless };
    });
    const checksJson = source.format === 'json';
    const page = reader.read(asked, { longUnchangedBeforeMs: settling.longUnchangedBeforeMs(), checksJson });
    page.catch(() => undefined); // told to who waits for it
    return { files, codec, atMs, page };
  }

  /** @param left so many looks are still being read */
  async #decideUntil(left: number): Promise<void> {
    while (this.#looks.length > left) await this.#decideAll(this.#looks.shift() as Look);
  }

  async #decideAll(first: Look): Promise<void> {
    for (let look: Look | undefined = first; look !== undefined;) {
      const { files, codec, page }: Look = look;
      const { answers, bytes, release } = await page;
      const large: FileInLook[] = [];
      const loaded: TakenFile[] = [];
      for (const [index, answer] of answers.entries()) {
        const file = { ...(files[index] as KnownFile), codec, atMs: look.atMs };
        if (answer.kind === 'large') large.push(file);
        else if (answer.kind === 'as asked') loaded.push(...this.#asBefore(file, answer.version));
        else if (answer.kind !== 'read') this.#passOver(file.candidate, answer);
        else if (answer.version.size > this.#options.source.maxFileBytes)
          this.#passOver(file.candidate, { kind: 'too large' });
        else await this.#decide(file, { ...answer, bytes: bytes.subarray(answer.from, answer.to) });
      }
      release();
      await inParallel(large, atOnce, (file) => this.#readLarge(file));
      await this.#takeAway(loaded);
      await this.#holdGroup();
      const rest = files.slice(answers.length);
      look = rest.length > 0 ? this.#read({ files: rest, codec }) : undefined;
    }
  }

  async #readLarge(file: FileInLook): Promise<void> {
    const { settling, source } = this.#options;
    const atMs = settling.elapsedMs();
    const read = await readFile(pathOf(file.candidate), {
      maxBytes: source.maxFileBytes,
      reserve: (bytes) => this.#held.reserve(bytes),
    });
    if (read.kind !== 'read') return this.#passOver(file.candidate, read);
    try {
      await this.#decide({ ...file, atMs }, read);
    } finally {
      read.release();
    }
    await this.#holdGroup();
  }

  /** Nothing of it was read: this version was taken, or has not settled yet. Answers with what may have to be taken away. */
  #asBefore({ candidate, known }: FileInLook, version: FileVersion): readonly TakenFile[] {
    const { settling, observer } = this.#options;
    if (known?.version === version.id) {
      settling.done(candidate.id);
      return [{ candidate, taken: known }];
    }
    if (this.#refused.version(candidate.id) === version.id) {
      settling.done(candidate.id);
      observer.stillRefused(shownFile(candidate), tooLargeForLog);
    } else settling.seenAgain(candidate, version);
    this.#inHand.delete(candidate.id);
    return [];
  }

  async #decide(file: FileInLook, read: ReadBytes): Promise<void> {
    const isAlone = this.#refused.mustBeAlone(file.candidate.id);
    if (isAlone) await this.#emptyGroup();
    this.#addToGroup(file, read);
    if (isAlone || this.#group.isFull) await this.#append();
  }

  /** Others may fill the next one meanwhile. */
  async #emptyGroup(): Promise<void> {
    while (this.#group.files.length > 0) await this.#append();
  }

  #addToGroup({ candidate, known, codec, atMs }: FileInLook, { version, content, isJson, bytes }: ReadBytes): void {
    const { settling, source } = this.#options;
    const unchangedMs = settling.unchangedMs(candidate.id, version, atMs);
    const file = { candidate, version, content, bytes, codec };
    const before = this.#group.batch.bytes;
    if (unchangedMs < tickMs) return this.#waitFor(candidate, version, tickMs);
    if (known?.content === content) this.#group.addUnchanged(file, known.isRefused);
    else {
      const cut = cutFile(bytes, source.format, isJson);
      const couldGrow = source.format !== 'json' || 'notJson' in cut;
      if (couldGrow && unchangedMs < source.settledAfterMs)
        return this.#waitFor(candidate, version, source.settledAfterMs);
      this.#group.add({ ...file, cut });
    }
    settling.done(candidate.id);
    this.#unheldBytes += this.#group.batch.bytes - before;
  }

  #waitFor(candidate: Candidate, version: FileVersion, neededMs: number): void {
    this.#options.settling.seen(candidate, version, neededMs);
    this.#inHand.delete(candidate.id);
  }

  /** What has come into the group counts. @throws Fault BUSY */
  async #holdGroup(): Promise<void> {
    const bytes = this.#unheldBytes;
    this.#unheldBytes = 0;
    await this.#held.change(bytes);
  }

  #passOver(candidate: Candidate, read: Exclude<LargeFileRead, { readonly kind: 'read' }>): void {
    const { observer, settling, source } = this.#options;
    if (read.kind === 'changed') return this.#waitFor(candidate, read.version, tickMs);
    settling.done(candidate.id);
    this.#inHand.delete(candidate.id);
    if (read.kind === 'gone') return;
    const why = {
      unreadable: 'cannot be read',
      'no file': 'is no file',
      'too large': `has more than ${source.maxFileBytes} bytes`,
      'no room': 'waits for room among what is on its way into the log',
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
    const { log, memory, observer } = this.#options;
    const { bytes } = batch;
    try {
      await log.append(batch, this.#owner);
    } catch (error) {
      if (!isFault(error, 'PACKAGE_TOO_LARGE')) throw error;
      this.#tryAlone(files);
      return this.#held.change(-bytes);
    }
    this.#refused.stored(files);
    await memory.appended(files.map(({ candidate, taken }) => [candidate.id, taken]));
    observer.taken(files);
    await this.#takeAway(files);
    await this.#held.change(-bytes);
  }

  /** Nothing of them is stored. */
  #tryAlone(files: readonly FileInGroup[]): void {
    const { observer, settling } = this.#options;
    const refused = this.#refused.note(files);
    for (const { candidate } of files) {
      this.#inHand.delete(candidate.id);
      if (!refused) settling.heardOf(candidate);
    }
    if (refused) observer.passedOver(shownFile(refused.candidate), tooLargeForLog);
  }

  /** Where they are not left; then they are not in hand any more. What cannot be taken away now is found and tried again. */
  async #takeAway(files: readonly TakenFile[]): Promise<void> {
    const { memory, reader, settling, source, observer } = this.#options;
    const { afterwards } = source;
    if (afterwards !== 'leave') {
      const away = files
        .filter(({ taken }) => !taken.isRefused)
        .map(({ candidate, taken }) => ({ candidate, version: taken.version }));
      for (const [index, came] of (await reader.takeAway(away, afterwards)).entries()) {
        const { candidate } = away[index] as FileToTakeAway;
        if (came === true) memory.forget(candidate.id);
        else if (came === false) settling.heardOf(candidate);
        else observer.notTakenAway(shownFile(candidate), came);
      }
    }
    for (const { candidate } of files) this.#inHand.delete(candidate.id);
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

type TakenFile = Pick<FileInGroup, 'candidate' | 'taken'>;

interface KnownFile {
  readonly candidate: Candidate;
  readonly known: Taken | undefined;
}

/** Files that are being read. */
interface Look {
  readonly files: readonly KnownFile[];
  readonly codec: Codec;
  /** Before anything is read of them. */
  readonly atMs: number;
  readonly page: Promise<ReadPage>;
}

interface FileInLook extends KnownFile {
  readonly codec: Codec;
  readonly atMs: number;
}

interface ReadBytes {
  readonly version: FileVersion;
  readonly content: string;
  readonly isJson: boolean;
  readonly bytes: Buffer;
}
