/** Lines of a byte stream, as the bytes they are, a few at a time: memory holds one chunk and the line it ends in. */
export interface Line {
  readonly bytes: Buffer;
  /** From 1. */
  readonly number: number;
}

const lineFeed = 0x0a;
const byteOrderMark = Buffer.from('\uFEFF');

/** Blank lines are left out, and a byte order mark. @throws RangeError for a line of more than `maxLineBytes` */
export async function* readLines(input: AsyncIterable<Buffer>, maxLineBytes: number): AsyncGenerator<readonly Line[]> {
  let open: Buffer[] = [];
  let openBytes = 0;
  let number = 0;
  const close = (tail: Buffer): readonly Line[] => {
    number += 1;
    let bytes = open.length === 0 ? tail : Buffer.concat([...open, tail]);
    if (number === 1 && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    open = [];
    openBytes = 0;
    return isBlank(bytes) ? [] : [{ bytes, number }];
  };
  for await (const chunk of input) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      lines.push(...close(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
    openBytes += chunk.length - start;
    if (openBytes > maxLineBytes) throw new RangeError(`line ${number + 1} is longer than ${maxLineBytes} bytes`);
    if (lines.length > 0) yield lines;
  }
  if (open.length > 0) {
    const last = close(Buffer.alloc(0));
    if (last.length > 0) yield last;
  }
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
