/**
 * What the source holds in memory, within the budget of all that is on its way into the log (D6). The budget is asked in steps, not for each
 * small file.
 */
import type { Share } from '../../ingest/budget.ts';
import type { Patience } from '../../ingest/patience.ts';

const stepBytes = 256 * 1024;
/** Of larger files, which are read side by side; one alone may be larger. */
const mostReadBytes = 8 * 1024 * 1024;

export class HeldBytes {
  readonly #share: Share;
  readonly #patience: Patience;
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #asked = 0;
  #readBytes = 0;
  #asking: Promise<void> = Promise.resolve();

  constructor(share: Share, patience: Patience) {
    this.#share = share;
    this.#patience = patience;
  }

  /** @throws Fault BUSY */
  async change(bytes: number): Promise<void> {
    this.#bytes += bytes;
    if (Math.abs(this.#bytes - this.#asked) < stepBytes) return;
    const asking = this.#asking.then(() => this.#ask());
    this.#asking = asking.catch(() => undefined); // told to who waits for it
    await asking;
  }

  /** For reading a large file; answers how to give it back. @throws Fault BUSY */
  async reserve(bytes: number): Promise<() => void> {
    while (this.#readBytes > 0 && this.#readBytes + bytes > mostReadBytes)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#readBytes += bytes;
    const release = (): void => {
      this.#readBytes -= bytes;
      this.#bytes -= bytes;
      this.#asking = this.#asking.then(() => this.#ask(this.#asked)); // giving back never fails
      for (const wake of this.#waiting.splice(0)) wake();
    };
    try {
      await this.change(bytes);
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Nothing is held any more. */
  release(): void {
    this.#share.release();
  }

  /** @param most no more than that, however much is held by now */
  async #ask(most = Infinity): Promise<void> {
    const bytes = Math.min(most, Math.max(0, this.#bytes));
    if (Math.abs(bytes - this.#asked) < stepBytes) return;
    await this.#share.resize(bytes, () => this.#patience.start());
    this.#asked = bytes;
  }
}
