/**
 * Lists directories, reads files and takes them away in a thread of its own (file-thread.ts), for all sources of a process. Where files come from a disk that
 * has to be waited for, further threads read beside it.
 */
import type { ListedPage, ListOptions } from './list-files.ts';
import type { AskedFile, FileAnswer, ReadOptions } from './read-page.ts';
import { ReaderThread } from './reader-thread.ts';
import type { Away } from './take-away.ts';
import {
  type FileToTakeAway,
  packFiles,
  type TakenAway,
  type ToldByThread,
  unpackAnswers,
  unpackPage,
} from './thread-messages.ts';

/** Answers for the first files that were asked for, at least one. */
export interface ReadPage {
  readonly answers: readonly FileAnswer[];
  /** Valid until `release` is called. */
  readonly bytes: Buffer;
  readonly release: () => void;
}

const bufferBytes = 512 * 1024;

/** Beyond it a page has waited for the disk: a file that the kernel has in memory takes some 8, another one 70 and more on an SSD. */
const usualSlowMicros = 40;
/** In turn, before another thread reads beside. */
const slowPages = 8;
/** Each takes some 20 MB. */
const mostThreads = 4;

export class FileReader {
  /** The first one lists and takes away, too. */
  readonly #threads: [ReaderThread, ...ReaderThread[]] = [new ReaderThread()];
  readonly #buffers: ArrayBuffer[] = [];
  readonly #slowMicros: number;
  #slowInTurn = 0;

  /** @param slowMicros of a file: so long, and more threads would help */
  constructor(slowMicros = usualSlowMicros) {
    this.#slowMicros = slowMicros;
  }

  /** So many pages are read side by side. */
  get atOnce(): number {
    return this.#threads.length;
  }

  /** Resolves when the thread is there: its beginning is no part of what a listing takes. */
  async begin(): Promise<void> {
    const page = await this.read([], { longUnchangedBeforeMs: 0, checksJson: false });
    page.release();
  }

  /** The next page is listed while one is used. @throws what has ended the thread */
  async *list(list: ListOptions): AsyncGenerator<ListedPage> {
    const [first] = this.#threads;
    const listing = first.nextId();
    const next = (): Promise<ToldByThread> => {
      const told = first.call((id) => ({ id, listing, list }));
      told.catch(() => undefined); // told to who waits for it
      return told;
    };
    try {
      for (let coming = next(); ;) {
        const told = await coming;
        if (!('page' in told) || told.page === undefined) return;
        coming = next();
        yield unpackPage(told.page);
      }
    } finally {
      first.tell({ endOf: listing });
    }
  }

  /** @throws what has ended the thread */
  async read(files: readonly AskedFile[], options: ReadOptions): Promise<ReadPage> {
    const read = packFiles(files);
    const given = this.#buffers.pop() ?? new ArrayBuffer(bufferBytes);
    const thread = this.#threads.reduce((least, one) => (one.waiting < least.waiting ? one : least));
    const told = await thread.call((id) => ({ id, read, buffer: given, options }), [given]);
    if (!('answers' in told)) throw new Error('the thread answered something else');
    const { answers, buffer, ms } = told;
    const page = unpackAnswers(answers);
    this.#noteSpeed(page.length, ms);
    return { answers: page, bytes: Buffer.from(buffer), release: () => void this.#buffers.push(buffer) };
  }

  #noteSpeed(files: number, ms: number): void {
    if (files === 0) return;
    this.#slowInTurn = (ms * 1000) / files >= this.#slowMicros ? this.#slowInTurn + 1 : 0;
    if (this.#slowInTurn < slowPages || this.#threads.length === mostThreads) return;
    this.#slowInTurn = 0;
    this.#threads.push(new ReaderThread());
  }

  /** In the order of the files. @throws what has ended the thread */
  async takeAway(files: readonly FileToTakeAway[], away: Away): Promise<readonly TakenAway[]> {
    if (files.length === 0) return [];
    const told = await this.#threads[0].call((id) => ({ id, takeAway: files, away }));
    if (!('takenAway' in told)) throw new Error('the thread answered something else');
    return told.takenAway;
  }

  /** Who still waits is told that they have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}
