/** A command of the program beside one of its nodes that runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { program } from './victim.ts';

export interface CommandOf {
  readonly dataDir: string;
  readonly configFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: this process's. */
  readonly workingDir?: string;
}

/** @throws Error with what it said where it does not end with 0 */
export async function runCommand(
  args: readonly string[],
  { dataDir, configFile, env, workingDir }: CommandOf,
): Promise<void> {
  const config = configFile === undefined ? [] : ['--config', configFile];
  const child = spawn(process.execPath, [program, ...args, '--data-dir', dataDir, ...config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env },
    cwd: workingDir,
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new Error(`tributary ${args.join(' ')} ended with ${code ?? signal}: ${said.trim()}`);
}
