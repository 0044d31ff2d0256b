/** The real program as a child process on a data directory of its own. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

const program = join(import.meta.dirname, '../../src/cli/program.ts');

export interface Program {
  readonly url: string;
  readonly dataDir: string;
  readonly child: ChildProcess;
  /** Standard error so far. */
  readonly log: () => string;
  kill(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/** An environment without the test runner's own settings. */
export function cleanEnvironment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), NO_COLOR: '1', ...extra };
}

export interface StartOptions {
  readonly dataDir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Resolves when the program has printed its URL. It runs in its data directory: files that lie elsewhere are not its. */
export async function startProgram({ dataDir, env, args = [] }: StartOptions): Promise<Program> {
  await mkdir(dataDir, { recursive: true });
  const child = spawn(process.execPath, [program, 'start', '--port', '0', '--data-dir', dataDir, ...args], {
    cwd: dataDir,
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'exit');
  const url = await Promise.race([
    firstUrl(child),
    ended.then(([code]) => Promise.reject(new Error(`the program ended with ${code}:\n${log}`))),
  ]);
  const kill = async (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    child.kill(signal);
    const [code, by] = (await ended) as [number | null, NodeJS.Signals | null];
    return code ?? (by as NodeJS.Signals);
  };
  return { url, dataDir, child, log: () => log, kill };
}

async function firstUrl(child: ChildProcess): Promise<string> {
  let out = '';
  for await (const text of child.stdout!.setEncoding('utf8')) {
    out += text as string;
    const url = /https?:\/\/\S+/.exec(out)?.[0];
    if (url) return url;
  }
  return Promise.race([]); // the exit says why
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export async function runProgram(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [program, ...args], {
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ranOf(child);
}

/** When it has ended. */
export async function ranOf(child: ChildProcessByStdio<null, Readable, Readable>): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

/** As `startProgram`, and killed after the test. */
export async function startFor(t: { after(fn: () => void): void }, options: StartOptions): Promise<Program> {
  const started = await startProgram(options);
  t.after(() => void started.child.kill('SIGKILL'));
  return started;
}

/** A directory that is removed after the test. */
export async function scratch(t: { after(fn: () => Promise<void>): void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-test-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));
  return dir;
}
