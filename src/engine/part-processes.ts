/**
 * Parts of a rebuild in processes of their own: so each core counts, and the heap of each is made for that (docs/decisions/views.md). They end
 * with this process. What one that was cut off has built cannot come to answer, and is deleted by the next rebuild, as that of any
 * that was interrupted.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { extname, join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault, type FaultCode } from '../errors.ts';
import type { Part, PartAsked, PartProgress } from '../views/build-part.ts';

export interface PartProcessesOptions {
  readonly config: Config;
  readonly pipeline: string;
  readonly view: string;
  /** How many parts there are. */
  readonly parts: number;
  /** Of each event that the view's functions throw at. */
  readonly onSkipped: () => void;
}

/** To the process: of which partition, and what. It answers one after the other of a partition. */
export type PartCall = { readonly partition: number } & (
  | { readonly open: PartAsked & Pick<PartProcessesOptions, 'config' | 'pipeline' | 'view'> }
  | { readonly readTo: number }
  | { readonly commit: true }
);

/** From the process. */
export type PartTold = { readonly partition: number } & (
  | { readonly progress: PartProgress }
  | { readonly skipped: true }
  | { readonly done: true }
  | { readonly failed: PartFailure }
);

export interface PartFailure {
  /** Of a Fault. */
  readonly code: FaultCode | undefined;
  readonly message: string;
}

/** Of V8's young generation, in MiB: what a commit waits for then dies there, and is not moved to the old one first. */
const semiSpaceMiB = 32;
const entry = join(import.meta.dirname, `part-process${extname(import.meta.filename)}`);

interface Call {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: (progress: PartProgress) => void;
}

const ignored = (): void => undefined;

export class PartProcesses {
  readonly #options: PartProcessesOptions;
  readonly #processes: readonly PartProcess[];

  constructor(options: PartProcessesOptions) {
    this.#options = options;
    // one more than there are cores, as each waits for the disk at times
    const count = Math.min(options.parts, availableParallelism() + 1);
    this.#processes = Array.from({ length: count }, () => new PartProcess(options.onSkipped));
  }

  /** @throws as `openPart` */
  readonly open = async (asked: PartAsked): Promise<Part> => {
    const { config, pipeline, view } = this.#options;
    const { partition } = asked.at;
    const process = this.#processes[partition % this.#processes.length] as PartProcess;
    await process.call({ partition, open: { ...asked, config, pipeline, view } });
    return {
      readTo: (end, onProgress, signal) => process.call({ partition, readTo: end }, onProgress, signal),
      commit: () => process.call({ partition, commit: true }),
    };
  };

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }
}

class PartProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** By partition. */
  readonly #calls = new Map<number, Call>();

  constructor(onSkipped: () => void) {
    this.#child = fork(entry, [], {
      execArgv: [`--max-semi-space-size=${semiSpaceMiB}`],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('exit', (code, signal) => this.#end(new Error(`a part's process ended with ${code ?? signal}`)));
    this.#child.on('error', (error) => this.#end(error));
    this.#child.on('message', (told: PartTold) => {
      const call = this.#calls.get(told.partition);
      if ('skipped' in told) onSkipped();
      else if ('progress' in told) call?.onProgress(told.progress);
      else {
        this.#calls.delete(told.partition);
        if ('done' in told) call?.resolve();
        else call?.reject(failureOf(told.failed));
      }
    });
  }

  /** One at a time of a partition. @throws as the part does; the signal's reason, and then the process has ended */
  async call(call: PartCall, onProgress: Call['onProgress'] = ignored, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => void this.#child.kill('SIGKILL');
    signal?.addEventListener('abort', stop);
    try {
      if (!this.#child.connected) throw new Error("a part's process has ended");
      this.#calls.set(call.partition, { resolve, reject, onProgress });
      this.#child.send(call);
      await promise;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** It closes what it has open, so that its place among the readers of the store is free. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    await this.#exited;
  }

  #end(error: Error): void {
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
  }
}

function failureOf({ code, message }: PartFailure): Error {
  return code === undefined ? new Error(message) : new Fault(code, message);
}
