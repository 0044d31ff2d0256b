/** How deep JSON may nest, told without parsing it: a parser would recurse, or build what it reads. */

/** An event's own object is level 1. PostgreSQL's parser recurses: at its default `max_stack_depth`, 18.4 takes 10,000 levels and not 20,000. */
export const maxNestingLevels = 1000;

/** Brackets within strings do not count; what is no JSON may answer either way. @param start of the document in `bytes` @param end behind it */
export function nestsTooDeep(bytes: Buffer, mostLevels = maxNestingLevels, start = 0, end = bytes.length): boolean {
  if (end - start <= 2 * mostLevels) return false;
  let depth = 0;
  let inString = false;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0x22) inString = !inString;
    else if (inString) at += byte === 0x5c ? 1 : 0;
    else if ((byte | 0x20) === 0x7b) {
      depth += 1;
      if (depth > mostLevels) return true;
    } else if ((byte | 0x20) === 0x7d) depth -= 1;
  }
  return false;
}
