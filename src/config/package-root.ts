/** Where the package itself lies: in a clone its root, else the installed package. */
import { readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

const packageRoot = dirname(dirname(import.meta.dirname));

/** `.ts` in a clone; in a published package, which holds emitted JavaScript, `.js`. */
const moduleExtension = extname(import.meta.filename);

export function inPackage(path: string): string {
  return join(packageRoot, path);
}

export function moduleInPackage(pathWithoutExtension: string): string {
  return inPackage(pathWithoutExtension + moduleExtension);
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(inPackage('package.json'), 'utf8')) as { version: string }).version;
}
