/**
 * Lists directories, reads files and takes them away in a thread of its own (file-thread.ts), for all sources of a process. The thread begins when it is needed,
 * keeps no process alive, and where it fails, whoever waits is told, and the next call begins another one.
 */
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ListedPage, ListOptions } from './list-files.ts';
import type { AskedFile, FileAnswer, ReadOptions } from './read-page.ts';
import type { Away } from './take-away.ts';
import {
  type AskedOfThread,
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

const entry = join(import.meta.dirname, `file-thread${extname(import.meta.filename)}`);
const bufferBytes = 512 * 1024;
/** Of V8, in MiB: it needs 10 to 20, and what dies is let go of only where more is not to be had. */
const threadMemory = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };

interface Call {
  readonly resolve: (told: ToldByThread) => void;
  readonly reject: (error: unknown) => void;
}

export class FileReader {
  #thread: Worker | undefined;
  readonly #calls = new Map<number, Call>();
  readonly #buffers: ArrayBuffer[] = [];
  #nextId = 0;

  /** Resolves when the thread is there: its beginning is no part of what a listing takes. */
  async begin(): Promise<void> {
    const page = await this.read([], { longUnchangedBeforeMs: 0, checksJson: false });
    page.release();
  }

  /** The next page is listed while one is used. @throws what has ended the thread */
  async *list(list: ListOptions): AsyncGenerator<ListedPage> {
    const listing = this.#nextId++;
    const next = (): Promise<ToldByThread> => {
      const told = this.#call((id) => ({ id, listing, list }));
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
      this.#thread?.postMessage({ endOf: listing } satisfies AskedOfThread);
    }
  }

  /** @throws what has ended the thread */
  async read(files: readonly AskedFile[], options: ReadOptions): Promise<ReadPage> {
    const read = packFiles(files);
    const given = this.#buffers.pop() ?? new ArrayBuffer(bufferBytes);
    const told = await this.#call((id) => ({ id, read, buffer: given, options }), [given]);
    if (!('answers' in told)) throw new Error('the thread answered something else');
    const { answers, buffer } = told;
    return {
      answers: unpackAnswers(answers),
      bytes: Buffer.from(buffer),
      release: () => void this.#buffers.push(buffer),
    };
  }

  /** In the order of the files. @throws what has ended the thread */
  async takeAway(files: readonly FileToTakeAway[], away: Away): Promise<readonly TakenAway[]> {
    if (files.length === 0) return [];
    const told = await this.#call((id) => ({ id, takeAway: files, away }));
    if (!('takenAway' in told)) throw new Error('the thread answered something else');
    return told.takenAway;
  }

  /** Who still waits is told that it has ended. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  async #call(asked: (id: number) => AskedOfThread, moved: ArrayBuffer[] = []): Promise<ToldByThread> {
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<ToldByThread>();
    this.#calls.set(id, { resolve, reject });
    const thread = (this.#thread ??= this.#begin());
    thread.postMessage(asked(id), moved);
    return promise;
  }

  #begin(): Worker {
    const thread = new Worker(entry, { resourceLimits: threadMemory });
    thread.unref();
    thread.on('message', (told: ToldByThread) => {
      const call = this.#calls.get(told.id);
      this.#calls.delete(told.id);
      call?.resolve(told);
    });
    thread.on('error', (error) => this.#end(thread, error));
    thread.on('exit', () => this.#end(thread, new Error('the thread that reads files has ended')));
    return thread;
  }

  #end(thread: Worker, error: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}
