/** Rows of NDJSON, or of a JSON array: objects. The line of a row is the one on which it begins. */
import type { EventSplitter, SplitEvent } from '../../ingest/splitter.ts';
import { memberNames } from '../../event/json-member.ts';
import { isObject } from '../../event/json-object.ts';
import type { JsonObject } from '../../pipeline/pipeline.ts';
import type { RowChecker } from './row-checker.ts';
import { maxRowBytes, type RowReader, StopReading } from './row-reader.ts';

const lineFeed = 0x0a;
const colon = 0x3a;

export class JsonRows implements RowReader {
  readonly #rows: RowChecker;
  readonly #splitter: EventSplitter;
  /** Line ends before the current chunk. */
  #lineEnds = 0;

  constructor(rows: RowChecker, splitter: EventSplitter) {
    this.#rows = rows;
    this.#splitter = splitter;
  }

  push(chunk: Buffer): void {
    const { heldBytes } = this.#splitter;
    let at = 0;
    let lineEnds = this.#lineEnds;
    for (const event of this.#splitter.push(chunk)) {
      const start = startIn(chunk, event.bytes);
      if (start === undefined) {
        this.#add(lineEnds - lineEndsIn(event.bytes, 0, heldBytes), event);
        continue;
      }
      lineEnds += lineEndsIn(chunk, at, start);
      at = start;
      this.#add(lineEnds, event);
    }
    this.#lineEnds = lineEnds + lineEndsIn(chunk, at, chunk.length);
    if (this.#splitter.heldBytes > maxRowBytes)
      throw new StopReading(this.#lineEnds + 1, `the row is longer than ${maxRowBytes} bytes`);
  }

  end(): void {
    for (const event of this.#splitter.end())
      this.#add(this.#lineEnds - lineEndsIn(event.bytes, 0, event.bytes.length), event);
  }

  close(): void {}

  #add(lineEnds: number, { bytes, tooDeep }: SplitEvent): void {
    const line = lineEnds + 1;
    if (tooDeep) return this.#rows.refuse(line, 'nests too deep');
    const text = bytes.toString();
    const row = parsed(text);
    if (isObject(row)) this.#rows.addObject(line, row, { bytes, doubled: doubledIn(bytes, row) });
    else this.#rows.refuse(line, 'expected a JSON object', text);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Names that stand in it more than once: of their values JSON.parse takes the last, which would be a guess. A row with as many colons as
 * names has none.
 */
function doubledIn(bytes: Buffer, row: JsonObject): readonly string[] {
  if (countOf(colon, bytes, 0, bytes.length) === Object.keys(row).length) return none;
  const [once, doubled] = [new Set<string>(), new Set<string>()];
  for (const name of memberNames(bytes)) (once.has(name) ? doubled : once).add(name);
  return [...doubled];
}

const none: readonly string[] = [];

/** Undefined where the bytes are no part of the chunk, but have begun in one before. */
function startIn(chunk: Buffer, bytes: Buffer): number | undefined {
  const start = bytes.byteOffset - chunk.byteOffset;
  const isWithin = bytes.buffer === chunk.buffer && start >= 0 && start < chunk.length;
  return isWithin ? start : undefined;
}

function lineEndsIn(bytes: Buffer, from: number, to: number): number {
  return countOf(lineFeed, bytes, from, to);
}

function countOf(byte: number, bytes: Buffer, from: number, to: number): number {
  let count = 0;
  for (let at = bytes.indexOf(byte, from); at !== -1 && at < to; at = bytes.indexOf(byte, at + 1)) count += 1;
  return count;
}
