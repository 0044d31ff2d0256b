/**
 * Senders name their format in many ways or not at all, but no two formats begin with the same character. It may come late: after blank
 * lines, and behind a byte order mark in pieces.
 */

/** No body that is one begins with so much white space: what it is, is told by what there is. */
const maxBlankBytes = 16 * 1024;

/** The first chunk has the first character in it. */
export async function* fromFirstCharacter(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let start: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (start === undefined) {
      yield chunk;
      continue;
    }
    start = start.length === 0 ? chunk : Buffer.concat([start, chunk]);
    if (firstIn(start) === undefined && start.length < maxBlankBytes) continue;
    yield start;
    start = undefined;
  }
  if (start !== undefined && start.length > 0) yield start;
}

export function formatOf(start: Buffer): 'csv' | 'array' | 'lines' {
  const first = firstIn(start);
  if (first === '[') return 'array';
  return first === '{' ? 'lines' : 'csv';
}

/** Byte by byte: of a mark that is cut, each is passed over. */
function firstIn(start: Buffer): string | undefined {
  return /[^\s\u00EF\u00BB\u00BF]/.exec(start.toString('latin1'))?.[0];
}
