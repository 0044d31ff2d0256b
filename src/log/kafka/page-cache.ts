/**
 * Pages as brokers sent them, of which readers have taken only a part: brokers send whole record batches, and readers go on where
 * they were. What is committed never changes. Limited in bytes; who was read longest ago goes first (D6).
 */
import type { LogRecord, Page } from '../log.ts';

export interface FetchedPage extends Page {
  readonly from: number;
  /** That it keeps in memory. */
  readonly bytes: number;
}

/** Each counts for so much at least, so that there are few to look through. */
const LEAST_BYTES = 64 << 10;

export class PageCache {
  readonly #maxBytes: number;
  /** By partition and where it begins, the one that was read longest ago first. */
  readonly #pages = new Map<string, { readonly place: string; readonly page: FetchedPage }>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The page that has what comes at `offset`. */
  find(place: string, offset: number): FetchedPage | undefined {
    for (const [key, entry] of this.#pages) {
      const { page } = entry;
      if (entry.place !== place || offset < page.from || offset >= page.next) continue;
      this.#pages.delete(key);
      this.#pages.set(key, entry);
      return page;
    }
    return undefined;
  }

  add(place: string, page: FetchedPage): void {
    const key = `${place}@${page.from}`;
    this.#remove(key);
    if (page.next === page.from || sizeOf(page) > this.#maxBytes) return;
    this.#pages.set(key, { place, page });
    this.#bytes += sizeOf(page);
    for (const oldest of this.#pages.keys()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest);
    }
  }

  /** Nobody reads it again, most likely: who reads on has passed it. */
  forget(place: string, page: FetchedPage): void {
    this.#remove(`${place}@${page.from}`);
  }

  #remove(key: string): void {
    const entry = this.#pages.get(key);
    if (entry === undefined) return;
    this.#bytes -= sizeOf(entry.page);
    this.#pages.delete(key);
  }
}

const sizeOf = ({ bytes }: FetchedPage): number => Math.max(LEAST_BYTES, bytes);

/** From `from` on, at least one record where there is one, then up to `maxBytes`. */
export function partOf({ records, next }: Page, from: number, maxBytes: number): Page {
  const first = records.findIndex(({ offset }) => offset >= from);
  if (first < 0) return { records: [], next };
  let bytes = 0;
  let past = first;
  for (; past < records.length; past += 1) {
    bytes += recordBytes(records[past]!);
    if (past > first && bytes > maxBytes) break;
  }
  const taken = records.slice(first, past);
  return { records: taken, next: past === records.length ? next : taken.at(-1)!.offset + 1 };
}

function recordBytes({ key, value, headers }: LogRecord): number {
  let bytes = value.length + (key?.length ?? 0);
  for (const [name, content] of headers) bytes += name.length + content.length;
  return bytes;
}
