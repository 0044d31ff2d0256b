/** A part of a benchmark in a process of its own: its parent calls it by name, one call at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

// oxlint-disable-next-line typescript/no-explicit-any -- any argument; `Child` gives it its type back
export type Methods = Readonly<Record<string, (argument: any) => unknown>>;

interface Call {
  readonly method: string;
  readonly argument: unknown;
}

type Answer = { readonly value: unknown } | { readonly error: string };

/** In the child: answers the parent's calls, and ends when the parent has gone. */
export function answerParent(methods: Methods): void {
  process.on('message', (call: Call) => void answer(methods, call).then((answered) => process.send?.(answered)));
  process.on('disconnect', () => process.exit());
}

async function answer(methods: Methods, { method, argument }: Call): Promise<Answer> {
  try {
    return { value: await methods[method]?.(argument) };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** In the parent. */
export class Child<M extends Methods> {
  readonly #process: ChildProcess;
  readonly #exited: Promise<never>;

  /** @param path a module that calls `answerParent` @param more of the environment than this process has */
  constructor(path: string, more: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...more };
    this.#process = fork(path, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env });
    this.#exited = once(this.#process, 'exit').then(([code, signal]) =>
      Promise.reject(new Error(`${path} ended with ${code ?? signal}`)),
    );
    this.#exited.catch(() => undefined); // told to whoever calls
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  async call<K extends keyof M & string>(method: K, argument: Parameters<M[K]>[0]): Promise<Awaited<ReturnType<M[K]>>> {
    this.#process.send({ method, argument } satisfies Call);
    const [told] = (await Promise.race([once(this.#process, 'message'), this.#exited])) as [Answer];
    if ('error' in told) throw new Error(told.error);
    return told.value as Awaited<ReturnType<M[K]>>;
  }

  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#exited.catch(() => undefined);
  }
}
