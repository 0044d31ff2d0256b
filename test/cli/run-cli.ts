/** The program as a child process, with what goes in and what comes out in the test's hands. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cleanEnvironment } from '../support/program.ts';

export const root = join(import.meta.dirname, '../..');
export const sourceProgram = join(root, 'src/cli/program.ts');

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input; default: empty. */
  readonly input?: string | Buffer;
  /** Default: this Node.js with the program's source. */
  readonly command?: readonly [file: string, ...args: string[]];
  readonly onSpawn?: (child: ChildProcessWithoutNullStreams) => void;
}

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const [file, ...before] = options.command ?? [process.execPath, sourceProgram];
  const child = spawn(file, [...before, ...args], { cwd: options.cwd, env: cleanEnvironment(options.env) });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined); // it may end before it has read everything
  child.stdin.end(options.input ?? '');
  options.onSpawn?.(child);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}
