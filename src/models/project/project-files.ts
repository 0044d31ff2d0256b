/** The files of a project: which there are, and their text, of which nothing is guessed. */
import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join, posix } from 'node:path';
import { Fault } from '../../errors.ts';

/** From the project's directory, with `/`, in order. @throws Fault MODELS_INVALID for links, which dbt follows and we do not */
export function filesIn(dir: string, root: string, extensions: readonly string[]): readonly string[] {
  if (!existsSync(join(dir, root))) return [];
  const entries = readdirSync(join(dir, root), { withFileTypes: true, recursive: true });
  const pathOf = ({ parentPath, name }: (typeof entries)[number]): string =>
    posix.join(...posix.relative(posix.normalize(dir), parentPath).split('\\'), name);
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link) throw new Fault('MODELS_INVALID', `${pathOf(link)}:1: symbolic links are not supported`);
  return entries
    .filter((entry) => entry.isFile() && extensions.includes(extname(entry.name)))
    .map(pathOf)
    .toSorted();
}

/** @param file as messages name it @throws Fault MODELS_INVALID where it is no UTF-8 */
export function readText(path: string, file: string): string {
  const bytes = readFileSync(path);
  if (isUtf8(bytes)) return bytes.toString();
  const line = lines(bytes).findIndex((one) => !isUtf8(one)) + 1;
  throw new Fault('MODELS_INVALID', `${file}:${line}: it is no UTF-8`);
}

function lines(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0x0a, start);
    found.push(bytes.subarray(start, end === -1 ? bytes.length : end));
    start = end === -1 ? bytes.length : end + 1;
  }
  return found;
}
