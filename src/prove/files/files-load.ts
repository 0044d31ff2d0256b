/**
 * Writers at work in the directories of a pipeline, for as long as the proof lasts: processes that write slowly, in pieces and in place, and
 * are killed half-way. Others finish what they have left, or write it anew, or leave it. Some events come again in another file, or
 * in the same one. A file counts as acknowledged when the log says that it was taken as it stands there.
 */
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import type { FileSource } from '../../pipeline/pipeline.ts';
import { contentOf } from '../../sources/files/file-version.ts';
import type { LoadOptions } from '../load.ts';
import { between, type Random } from '../random.ts';
import type { Senders } from '../subject.ts';
import { Takes } from './takes.ts';
import { WriterProcess } from './writer-process.ts';
import { asItIs, type FinalFile, newFile, noteBegun, noteEnded, type WrittenFile } from './written-files.ts';

export interface FilesLoadOptions extends LoadOptions {
  readonly config: Config;
  readonly workingDir: string;
  readonly source: Pick<FileSource, 'directories' | 'afterwards'>;
  readonly lines: Iterator<string>;
}

const writers = 4;
const longestPieceMs = 120;
const mostPieces = 4;
/** Of each file that is begun. */
const dyingShare = 0.06;
const againShare = 0.1;
/** Of those that a writer has left. */
const leftShare = 1 / 3;
const longestLeftMs = 12_000;
/** Events are written in another order than they happened. */
const shuffled = 50;
const lookEveryMs = 250;
/** A file that is there is looked at every second. */
const quietLooks = 5;
const defaultLongestPauseMs = 60;

interface Repair {
  readonly file: WrittenFile;
  readonly goesOn: boolean;
  readonly dueMs: number;
}

export class FilesLoad implements Senders {
  deliveries = 0;
  resent = 0;
  writersKilled = 0;
  readonly unexpected: readonly string[] = [];
  readonly unanswered = {};
  readonly takes: Takes;
  /** As they are in the end; none before. */
  finals: readonly FinalFile[] = [];
  readonly #options: FilesLoadOptions;
  readonly #files: WrittenFile[] = [];
  readonly #waiting: string[] = [];
  readonly #repairs: Repair[] = [];
  #stopped = false;
  readonly #working: Promise<unknown>;
  readonly #watching: Promise<void>;

  constructor(options: FilesLoadOptions) {
    this.#options = options;
    this.takes = new Takes(options.config);
    this.#working = Promise.all(Array.from({ length: writers }, () => this.#work()));
    this.#watching = this.#watch();
  }

  /** Whoever runs looks into the directories. */
  target(): void {
    // Nothing is sent to anybody.
  }

  /** Files that any node has taken: which of them does is not of interest. */
  acknowledgedBy(): number {
    return this.takes.count;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#working;
    this.finals = await Promise.all(this.#files.map(asItIs));
    await this.#watching;
    await this.takes.close();
  }

  async #work(): Promise<void> {
    let writer = new WriterProcess();
    for (let repair = this.#dueRepair(); repair || !this.#stopped; repair = this.#dueRepair()) {
      if (!(await this.#write(writer, repair))) writer = new WriterProcess();
      await sleep(this.#options.random() * (this.#options.longestPauseMs ?? defaultLongestPauseMs));
    }
    await writer.kill();
  }

  /** False where the writer is dead. */
  async #write(writer: WriterProcess, repair: Repair | undefined): Promise<boolean> {
    const { random } = this.#options;
    const file = repair?.file ?? this.#next();
    if (repair) this.resent += 1;
    else this.deliveries += 1;
    const pieces = between(random, 1, mostPieces);
    const pauseMs = random() * longestPieceMs;
    noteBegun(file);
    const { path, text } = file;
    const writing = writer.write({ path, text, goesOn: repair?.goesOn === true, pieces, pauseMs });
    const dies = !this.#stopped && random() < dyingShare;
    if (dies) {
      await Promise.race([writing, sleep(random() * pieces * pauseMs)]);
      await writer.kill();
      this.writersKilled += 1;
    }
    const isWhole = await writing;
    noteEnded(file, isWhole);
    if (!isWhole && random() >= leftShare) this.#repairLater(file);
    return isWhole && !dies;
  }

  #repairLater(file: WrittenFile): void {
    const { random } = this.#options;
    this.#repairs.push({ file, goesOn: random() < 0.5, dueMs: performance.now() + random() * longestLeftMs });
  }

  /** In the end all of them are due. */
  #dueRepair(): Repair | undefined {
    const at = this.#repairs.findIndex(({ dueMs }) => this.#stopped || dueMs <= performance.now());
    return at === -1 ? undefined : this.#repairs.splice(at, 1)[0];
  }

  /** A new one, with a new event or one that came before; or one that is there, written anew with what it has. */
  #next(): WrittenFile {
    const { random, source, workingDir } = this.#options;
    const old = random() < againShare ? pick(this.#files, random) : undefined;
    if (old?.isWhole && random() < 0.5) return old;
    const directory = pick(source.directories, random)!;
    const name = `${this.#files.length}.json`;
    const file = newFile(join(workingDir, directory, name), `${directory}/${name}`, old?.text ?? this.#event());
    closeSync(openSync(file.path, 'wx')); // as of a writer that has died before its first piece
    this.#files.push(file);
    return file;
  }

  /** As the producers write it, but in any order. */
  #event(): string {
    const { lines, random } = this.#options;
    while (this.#waiting.length < shuffled) this.#waiting.push(lines.next().value as string);
    const at = between(random, 0, shuffled - 1);
    const line = this.#waiting[at] as string;
    this.#waiting[at] = this.#waiting.pop() as string;
    return JSON.stringify(JSON.parse(line), undefined, 2);
  }

  /** Until all are taken as they are in the end, and nothing more comes of it. */
  async #watch(): Promise<void> {
    for (let quiet = 0; quiet < quietLooks; await sleep(lookEveryMs)) {
      const before = this.takes.count;
      await this.takes.readOn();
      const isDone = this.finals.length > 0 && this.finals.every((file) => this.#isTaken(file));
      quiet = isDone && this.takes.count === before ? quiet + 1 : 0;
    }
  }

  #isTaken({ shown, bytes, path, isWhole }: FinalFile): boolean {
    if (this.takes.of(shown).at(-1)?.content !== contentOf(bytes)) return false;
    return this.#options.source.afterwards === 'leave' || !isWhole || !existsSync(path);
  }
}

function pick<T>(all: readonly T[], random: Random): T | undefined {
  return all[between(random, 0, all.length - 1)];
}
