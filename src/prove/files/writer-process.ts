/** A writer, as the proof sees it: it writes a file, or dies in the middle of it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Order } from './writer.ts';

const program = join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? 'writer.ts' : 'writer.js');

export class WriterProcess {
  readonly #child: ChildProcess = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  readonly #exited = once(this.#child, 'exit').then(() => false);

  /** False where it has died before it said that the file is whole. */
  async write(order: Order): Promise<boolean> {
    const done = once(this.#child, 'message').then(() => true);
    this.#child.send(order, () => undefined); // that it is gone, its end tells
    return Promise.race([done, this.#exited]);
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
