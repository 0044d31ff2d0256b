/**
 * The segment files of a log, for reading: `<20-digit sequence>.segment`, without a hole. Holds a few open files, headers and
 * blocks, however large the log is.
 */
import { join } from 'node:path';
import { Fault } from '../../errors.ts';
import { BlockCache } from './block-cache.ts';
import type { LogFile, LogFiles } from './files.ts';
import { decodeSegmentHeader, HEADER_HEAD_BYTES, type PlacedHeader, segmentHeaderBytes } from './segment-header.ts';

const SUFFIX = '.segment';
const DIGITS = 20;
const OPEN_FILES = 16;
const KEPT_HEADERS = 128;
const DEFAULT_BLOCK_BYTES = 1 << 20;

interface OpenFile {
  readonly file: Promise<LogFile>;
  users: number;
  evicted: boolean;
}

export const segmentPath = (dir: string, sequence: number): string =>
  join(dir, `${String(sequence).padStart(DIGITS, '0')}${SUFFIX}`);

/** Sequences of the segment files in a directory, ascending. */
export async function listSegments(files: LogFiles, dir: string): Promise<number[]> {
  const names = await files.list(dir);
  return names
    .filter((name) => name.length === DIGITS + SUFFIX.length && name.endsWith(SUFFIX))
    .map((name) => Number(name.slice(0, DIGITS)))
    .filter((sequence) => Number.isSafeInteger(sequence))
    .toSorted((a, b) => a - b);
}

/** @throws Fault LOG_ROTTEN where a segment between others is missing */
export function checkWithoutHole(dir: string, sequences: readonly number[]): void {
  for (const [i, sequence] of sequences.entries())
    if (i > 0 && sequence !== sequences[i - 1]! + 1)
      throw new Fault('LOG_ROTTEN', `${segmentPath(dir, sequences[i - 1]! + 1)} is missing.`);
}

export class SegmentSet {
  readonly dir: string;
  /** The oldest segment that is kept. */
  first = 1;
  readonly #files: LogFiles;
  readonly #open = new Map<number, OpenFile>();
  readonly #headers = new Map<number, Promise<PlacedHeader>>();
  readonly #blocks: BlockCache;

  constructor(files: LogFiles, dir: string, blockBytes = DEFAULT_BLOCK_BYTES) {
    this.#files = files;
    this.dir = dir;
    this.#blocks = new BlockCache(blockBytes, (sequence, into, position) =>
      this.#use(sequence, (file) => file.read(into, position)),
    );
  }

  path(sequence: number): string {
    return segmentPath(this.dir, sequence);
  }

  /** @throws Fault LOG_ROTTEN */
  header(sequence: number): Promise<PlacedHeader> {
    const kept = this.#headers.get(sequence);
    const header = kept ?? this.#loadHeader(sequence);
    this.#headers.delete(sequence);
    this.#headers.set(sequence, header);
    if (kept === undefined) {
      header.catch(() => this.#headers.delete(sequence));
      if (this.#headers.size > KEPT_HEADERS) this.#headers.delete(this.#headers.keys().next().value!);
    }
    return header;
  }

  async #loadHeader(sequence: number): Promise<PlacedHeader> {
    const header = await this.findHeader(sequence);
    if (header?.sequence === sequence) return header;
    throw new Fault(
      'LOG_ROTTEN',
      `${this.path(sequence)} is damaged at byte 0: its header does not match its checksum.`,
    );
  }

  /** The header as it stands on disk now, not kept; `undefined` where there is no undamaged one. */
  async findHeader(sequence: number): Promise<PlacedHeader | undefined> {
    return this.#use(sequence, async (file) => {
      const size = await file.size();
      const head = Buffer.alloc(HEADER_HEAD_BYTES);
      if ((await file.read(head, 0)) < head.length) return undefined;
      const bytes = segmentHeaderBytes(head);
      if (bytes === undefined || bytes > size) return undefined;
      const whole = Buffer.alloc(bytes);
      if ((await file.read(whole, 0)) < bytes) return undefined;
      return decodeSegmentHeader(whole);
    });
  }

  size(sequence: number): Promise<number> {
    return this.#use(sequence, (file) => file.size());
  }

  /**
   * Bytes `[position, position + length)` of a segment that is durable up to `end`, in memory of their own; fewer where the
   * file is shorter.
   */
  copy(sequence: number, position: number, length: number, end: number): Promise<Buffer> {
    return this.#blocks.copy(sequence, position, length, end);
  }

  /** Lends the open file; files that were not used for long are closed. */
  async #use<T>(sequence: number, work: (file: LogFile) => Promise<T>): Promise<T> {
    let open = this.#open.get(sequence);
    if (open === undefined) {
      open = { file: this.#files.open(this.path(sequence), 'read'), users: 0, evicted: false };
      open.file.catch(() => this.#open.delete(sequence));
    }
    this.#open.delete(sequence);
    this.#open.set(sequence, open);
    open.users += 1;
    try {
      if (this.#open.size > OPEN_FILES) await this.#evict(this.#open.keys().next().value!);
      return await work(await open.file);
    } finally {
      open.users -= 1;
      if (open.evicted && open.users === 0) await (await open.file).close();
    }
  }

  async #evict(sequence: number): Promise<void> {
    const open = this.#open.get(sequence);
    if (open === undefined) return;
    this.#open.delete(sequence);
    open.evicted = true;
    if (open.users === 0) await (await open.file).close();
  }

  /** Gives up what is held of segments before `first`, which are removed. */
  async forgetBefore(first: number): Promise<void> {
    this.first = first;
    for (const sequence of this.#headers.keys()) if (sequence < first) this.#headers.delete(sequence);
    this.#blocks.forgetBefore(first);
    for (const sequence of this.#open.keys()) if (sequence < first) await this.#evict(sequence);
  }

  async close(): Promise<void> {
    for (const sequence of this.#open.keys()) await this.#evict(sequence);
  }
}
