/** NDJSON: one event a line, LF or CRLF; blank lines are none, and the last line may lack its end. */
import { nestsTooDeep } from '../event/json-nesting.ts';
import { type EventSplitter, HeldBytes, type SplitEvent } from './splitter.ts';

const lineFeed = 0x0a;
const byteOrderMark = Buffer.from('\uFEFF');

export function splitNdjson(): EventSplitter {
  return new NdjsonSplitter();
}

class NdjsonSplitter implements EventSplitter {
  readonly #held = new HeldBytes();
  #firstLine = true;

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Buffer): readonly SplitEvent[] {
    const events: SplitEvent[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      this.#line(this.#held.join(chunk, start, end), events);
      start = end + 1;
    }
    if (start < chunk.length) this.#held.add(chunk, start, chunk.length);
    return events;
  }

  end(): readonly SplitEvent[] {
    const events: SplitEvent[] = [];
    this.#line(this.#held.join(byteOrderMark, 0, 0), events);
    return events;
  }

  #line(line: Buffer, events: SplitEvent[]): void {
    let start = this.#firstLine && line.indexOf(byteOrderMark) === 0 ? byteOrderMark.length : 0;
    this.#firstLine = false;
    let end = line.length;
    while (start < end && isBlank(line[start])) start += 1;
    while (end > start && isBlank(line[end - 1])) end -= 1;
    if (start === end) return;
    const bytes = end - start === line.length ? line : line.subarray(start, end);
    events.push({ bytes, tooDeep: nestsTooDeep(bytes) });
  }
}

/** JSON's whitespace within a line: space, tab, carriage return. */
function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}
