/**
 * Pages that are asked for before their turn: the next one while the one before is kept, and as many more at once as the pull allows.
 * They are taken in their order, and what a page says is checked then, against those before it: it does not matter which came first.
 * At most so many are asked for or wait for their turn; those that never get one are dropped, and never told of.
 */

export class PagesAhead<T> {
  readonly #fetch: (url: URL, signal: AbortSignal) => Promise<T>;
  readonly #asked = new Map<string, Asked<T>>();

  /** @param fetch ends with the signal */
  constructor(fetch: (url: URL, signal: AbortSignal) => Promise<T>) {
    this.#fetch = fetch;
  }

  /** These are wanted next, and no others. */
  want(urls: readonly URL[]): void {
    const wanted = new Set(urls.map(({ href }) => href));
    for (const [href, { stopping }] of this.#asked) {
      if (wanted.has(href)) continue;
      stopping.abort();
      this.#asked.delete(href);
    }
    for (const url of urls) if (!this.#asked.has(url.href)) this.#ask(url);
  }

  /** Undefined where it was not asked for. */
  take({ href }: URL): Promise<T> | undefined {
    const asked = this.#asked.get(href);
    this.#asked.delete(href);
    return asked?.page;
  }

  #ask(url: URL): void {
    const stopping = new AbortController();
    const page = this.#fetch(url, stopping.signal);
    page.catch(() => undefined); // told to who takes it
    this.#asked.set(url.href, { page, stopping });
  }
}

interface Asked<T> {
  readonly page: Promise<T>;
  readonly stopping: AbortController;
}
