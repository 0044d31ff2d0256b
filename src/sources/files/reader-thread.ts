/**
 * A thread (file-thread.ts) and what it has been asked. It begins when it is needed, keeps no process alive, and where it fails, whoever waits is told, and
 * the next call begins another one.
 */
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { AskedOfThread, ToldByThread } from './thread-messages.ts';

const entry = join(import.meta.dirname, `file-thread${extname(import.meta.filename)}`);
/** Of V8, in MiB: it needs 10 to 20, and what dies is let go of only where more is not to be had. */
const threadMemory = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 32 };

interface Call {
  readonly resolve: (told: ToldByThread) => void;
  readonly reject: (error: unknown) => void;
}

export class ReaderThread {
  #worker: Worker | undefined;
  readonly #calls = new Map<number, Call>();
  #nextId = 0;

  get waiting(): number {
    return this.#calls.size;
  }

  nextId(): number {
    return this.#nextId++;
  }

  /** @throws what has ended the thread */
  call(asked: (id: number) => AskedOfThread, moved: ArrayBuffer[] = []): Promise<ToldByThread> {
    const id = this.nextId();
    const { promise, resolve, reject } = Promise.withResolvers<ToldByThread>();
    this.#calls.set(id, { resolve, reject });
    this.#worker ??= this.#begin();
    this.#worker.postMessage(asked(id), moved);
    return promise;
  }

  /** Where there is one. */
  tell(asked: AskedOfThread): void {
    this.#worker?.postMessage(asked);
  }

  /** Who still waits is told that it has ended. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(entry, { resourceLimits: threadMemory });
    worker.unref();
    worker.on('message', (told: ToldByThread) => {
      const call = this.#calls.get(told.id);
      this.#calls.delete(told.id);
      call?.resolve(told);
    });
    worker.on('error', (error) => this.#end(worker, error));
    worker.on('exit', () => this.#end(worker, new Error('the thread that reads files has ended')));
    return worker;
  }

  #end(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}
