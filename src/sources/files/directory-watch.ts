/**
 * Hears of files as soon as the system tells of them. Only a hint: names may be missed (a queue that overflows, a file system over the
 * network, a directory in place of another), and the next listing finds those files.
 */
import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type BytePath, bytesOf } from './byte-path.ts';

export interface DirectoryWatchOptions {
  readonly root: BytePath;
  /** Undefined where the system does not say of which. */
  readonly onChange: (name: BytePath | undefined) => void;
  readonly onError: (error: unknown) => void;
}

export class DirectoryWatch {
  readonly #options: DirectoryWatchOptions;
  #watcher: FSWatcher | undefined;
  /** Which directory is watched: another one may have come in its place. */
  #watched = '';

  constructor(options: DirectoryWatchOptions) {
    this.#options = options;
  }

  /** Watches the directory that is there now; where it is watched already, or there is none, does nothing. Before each listing. */
  async renew(): Promise<void> {
    const { root, onError } = this.#options;
    const found = await stat(bytesOf(root)).then(
      ({ dev, ino }) => `${dev} ${ino}`,
      () => '', // who lists it tells
    );
    if (found === this.#watched) return;
    this.close();
    this.#watched = found;
    if (found === '') return;
    try {
      this.#watcher = this.#watch();
    } catch (error) {
      onError(error);
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#watched = '';
  }

  #watch(): FSWatcher {
    const { root, onChange, onError } = this.#options;
    const watcher = watch(bytesOf(root), { encoding: 'buffer', persistent: false } as const, () => undefined);
    watcher.on('change', (_event, name) => onChange(Buffer.isBuffer(name) ? name.toString('latin1') : undefined));
    watcher.on('error', (error) => {
      onError(error);
      this.#watcher?.close();
    });
    return watcher;
  }
}
