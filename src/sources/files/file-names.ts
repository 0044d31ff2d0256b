/** Names of files are bytes; what is shown of them is text without anything that a terminal or a reader could take for something else. */
import { isUtf8 } from 'node:buffer';
import { type BytePath, bytesOf } from './byte-path.ts';

/** Control and format characters, what no font has, ends of lines, and what stands before an escape. */
const unshown = /[%\p{C}\p{Zl}\p{Zp}]/gu;

/** Nearly all names are: printable ASCII without the percent sign. */
const isPlain = /^[ -$&-~]*$/;

/** Percent-decoded, it is the name again: no two names are shown alike. */
export function shownName(name: BytePath): string {
  if (isPlain.test(name)) return name;
  const bytes = bytesOf(name);
  if (!isUtf8(bytes)) return [...bytes].map(shownByte).join('');
  return bytes.toString().replaceAll(unshown, (character) => [...Buffer.from(character)].map(escaped).join(''));
}

function shownByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x25 ? String.fromCharCode(byte) : escaped(byte);
}

function escaped(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Whether a name is one of those that the source takes. Hidden ones are none. */
export function nameMatcher(match: string | ((name: string) => boolean)): (name: BytePath) => boolean {
  const fits = typeof match === 'string' ? patternMatcher(match) : (name: BytePath) => match(shownName(name));
  return (name) => !name.startsWith('.') && fits(name);
}

/** A character of the pattern is a byte of the name. */
function patternMatcher(pattern: string): (name: BytePath) => boolean {
  const source = pattern
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 's');
  return (name) => expression.test(name);
}
