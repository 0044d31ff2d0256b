/**
 * Follows files or directories that others change: what is loaded is at most `everyMs` older than what is there. Looks at them
 * with `stat`, which also works on network file systems and for the symbolic links that orchestrators switch, where
 * notifications do not.
 *
 * File systems stamp changes with a clock of their own that stands still for milliseconds: two changes may have the same stamp, so
 * what was changed within the last two seconds is loaded again, until it is older.
 */
import { type BigIntStats, promises as fs } from 'node:fs';

export interface FileWatchOptions {
  readonly paths: readonly string[];
  /** Called once at the start, then after changes, never twice at a time. */
  readonly load: () => Promise<void>;
  /** A later `load` failed; what was loaded before stays. Told once for each change. */
  readonly onError: (error: unknown) => void;
  /** Default 500 ms. */
  readonly everyMs?: number;
}

const youngMs = 2_000;

interface Seen {
  readonly signature: string;
  /** Unix milliseconds of the newest change. */
  readonly changedAtMs: number;
}

export class FileWatch {
  readonly #options: FileWatchOptions;
  #seen: Seen | undefined;
  #isYoung = true;
  #failedFor: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #checking: Promise<void> = Promise.resolve();

  private constructor(options: FileWatchOptions) {
    this.#options = options;
  }

  /** Rejects with what the first `load` throws. */
  static async start(options: FileWatchOptions): Promise<FileWatch> {
    const watch = new FileWatch(options);
    watch.#look(await seen(options.paths)); // before the load: what changes meanwhile is seen as a change
    await options.load();
    watch.#schedule();
    return watch;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#checking;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#checking = this.#check().finally(() => {
        if (this.#timer !== undefined) this.#schedule();
      });
    }, this.#options.everyMs ?? 500).unref();
  }

  async #check(): Promise<void> {
    const now = await seen(this.#options.paths);
    if (now.signature === this.#seen?.signature && !this.#isYoung) return;
    this.#look(now);
    try {
      await this.#options.load();
      this.#failedFor = undefined;
    } catch (error) {
      if (this.#failedFor !== now.signature) this.#options.onError(error);
      this.#failedFor = now.signature;
    }
  }

  #look(now: Seen): void {
    this.#seen = now;
    this.#isYoung = Math.abs(Date.now() - now.changedAtMs) < youngMs;
  }
}

async function seen(paths: readonly string[]): Promise<Seen> {
  const found = await Promise.all(paths.map((path) => fs.stat(path, { bigint: true }).catch(codeOf)));
  const changed = found.map((one) => (typeof one === 'string' ? 0 : Number(one.ctimeMs)));
  return { signature: found.map(signatureOf).join(' '), changedAtMs: Math.max(0, ...changed) };
}

/** Whatever keeps a file from being looked at: `load` will say it better. */
function codeOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

function signatureOf(found: BigIntStats | string): string {
  if (typeof found === 'string') return found;
  return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(':');
}
