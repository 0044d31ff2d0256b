/** Packs events, each a line of JSON, into JSON arrays of random size, in envelopes where they are to be. */
import { randomInt } from 'node:crypto';
import type { SizeRange } from '../options.ts';
import type { Parcel } from './parcel.ts';
import type { Line } from './read-lines.ts';

export interface PackingOptions {
  readonly size: SizeRange;
  /** The member of an object that holds the events. Undefined: a package is an array of them. */
  readonly envelope?: string | undefined;
  /** A package ends early where the next event would make it larger. */
  readonly maxBytes: number;
  /** A line that is not JSON would spoil its whole package: it is left out. */
  readonly onBadLine: (line: Line, reason: string) => void;
}

const comma = Buffer.from(',');

export async function* pack(
  lines: AsyncIterable<readonly Line[]>,
  { size, maxBytes, envelope, onBadLine }: PackingOptions,
): AsyncGenerator<Parcel> {
  const pick = (): number => (size.min === size.max ? size.min : randomInt(size.min, size.max + 1));
  let events: Line[] = [];
  let bytes = 0;
  let wanted = pick();
  const take = (): Parcel => {
    const taken = toPackage(events, envelope);
    events = [];
    bytes = 0;
    wanted = pick();
    return taken;
  };
  for await (const some of lines) {
    for (const line of some) {
      const bad = whyNotJson(line.bytes);
      if (bad !== undefined) {
        onBadLine(line, `not JSON, left out: ${bad}`);
        continue;
      }
      if (events.length > 0 && bytes + line.bytes.length > maxBytes) yield take();
      events.push(line);
      bytes += line.bytes.length + 1;
      if (events.length === wanted) yield take();
    }
  }
  if (events.length > 0) yield take();
}

function toPackage(lines: readonly Line[], envelope: string | undefined): Parcel {
  const parts = lines.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [comma, bytes]));
  const [start, end] = envelope === undefined ? ['[', ']'] : [`{${JSON.stringify(envelope)}:[`, ']}'];
  const body = Buffer.concat([Buffer.from(start), ...parts, Buffer.from(end)]);
  return {
    path: undefined,
    body,
    events: lines.length,
    inputBytes: lines.reduce((sum, { bytes }) => sum + bytes.length + 1, 0),
    firstLine: lines[0]?.number ?? 0,
    lastLine: lines.at(-1)?.number ?? 0,
  };
}

function whyNotJson(bytes: Buffer): string | undefined {
  try {
    JSON.parse(bytes.toString());
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
