/** A shell script of `scripts/` as an operator runs it, under the strictest shell that is here. */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, delimiter, join } from 'node:path';
import { cleanEnvironment, type Ran, ranOf } from './program.ts';

const scripts = join(import.meta.dirname, '../../scripts');

/** dash does what POSIX says and little more. */
const shell = spawnSync('dash', ['-c', ':']).status === 0 ? 'dash' : 'sh';

export async function runScript(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const child = spawn(shell, [join(scripts, name), ...args], {
    env: { ...cleanEnvironment(env), PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ranOf(child);
}
