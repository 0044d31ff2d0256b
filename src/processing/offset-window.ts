/**
 * Offsets that are found by reading much, for whoever asks for one stretch after the other: so many at a time are remembered that each
 * stretch is read for once, and no more (D6).
 */

/** Offsets `from <= offset < to`. */
export interface OffsetWindow {
  readonly from: number;
  readonly to: number;
}

/** Some 30 MB where each of them is found. */
const windowOffsets = 500_000;

export class FoundOffsets {
  readonly #find: (window: OffsetWindow) => Promise<Iterable<number>>;
  #window: OffsetWindow = { from: 0, to: 0 };
  #found: ReadonlySet<number> = new Set();

  /** @param find all of a window */
  constructor(find: (window: OffsetWindow) => Promise<Iterable<number>>) {
    this.#find = find;
  }

  /** Ascending. */
  async within({ from, to }: OffsetWindow): Promise<readonly number[]> {
    if (from < this.#window.from || to > this.#window.to)
      await this.#read({ from, to: Math.max(to, from + windowOffsets) });
    const found: number[] = [];
    for (let offset = from; offset < to; offset++) if (this.#found.has(offset)) found.push(offset);
    return found;
  }

  async #read(window: OffsetWindow): Promise<void> {
    this.#found = new Set(await this.#find(window));
    this.#window = window;
  }
}
