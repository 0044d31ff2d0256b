/** The machine's own Node.js, not the one of the repository. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Undefined where there is none, or none so old. @param olderThan a major version */
export function findMachineNode({ olderThan }: { readonly olderThan: number }): string | undefined {
  const dirs = (process.env['PATH'] ?? '').split(delimiter).filter((dir) => !dir.includes('node_modules'));
  const file = dirs.map((dir) => join(dir, 'node')).find((path) => existsSync(path));
  if (file === undefined) return undefined;
  const version = spawnSync(file, ['--version'], { encoding: 'utf8' }).stdout;
  return Number(/^v(\d+)/.exec(version)?.[1]) < olderThan ? file : undefined;
}
