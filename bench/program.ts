/** The whole program, `tributary start`, as a child process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { inPackage } from '../src/config/package-root.ts';
import { dataPaths } from '../src/engine/data-paths.ts';
import { waitForPreviousServer } from '../src/stores/warehouse/embedded/lock-file.ts';
import { atExit } from './at-exit.ts';
import type { BenchSettings } from './parts.ts';

export interface BenchProgram {
  readonly url: string;
  readonly pid: number;
  warehouseIsUp(): Promise<void>;
  /** At once: what it has not landed is thrown away with its directory, on which its PostgreSQL has ended too. */
  kill(): Promise<void>;
  /** Once all that it has in hand has landed. */
  drain(): Promise<void>;
}

const pollMs = 20;

interface ProgramOptions {
  /** Default: all is embedded. */
  readonly env?: BenchSettings;
  /** In which relative directories stand. Default: this process's. */
  readonly workingDir?: string;
}

/** With the settings of the runtime that `npm start` has. */
export async function startProgram(
  system: string,
  dataDir: string,
  { env: more, workingDir }: ProgramOptions = {},
): Promise<BenchProgram> {
  const args = [inPackage('src/cli/program.ts'), 'start', '--port', '0', '--data-dir', dataDir, '--only', system];
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, LOG_LEVEL: 'warn', MALLOC_ARENA_MAX: '2', ...more };
  const child = spawn(process.execPath, ['--max-semi-space-size=8', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env,
    cwd: workingDir,
  });
  const exited = once(child, 'exit');
  const callOff = atExit(() => child.kill('SIGKILL'));
  void exited.then(callOff);
  const early = exited.then(([code]) => Promise.reject(new Error(`the program ended with ${String(code)}`)));
  const url = await Promise.race([firstUrl(createInterface({ input: child.stdout })), early]);
  early.catch(() => undefined);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    url,
    pid: child.pid as number,
    warehouseIsUp: () => Promise.race([warehouseIsUp(url), early]),
    kill: async () => {
      await end('SIGKILL');
      await waitForPreviousServer(dataPaths(dataDir).postgres);
    },
    drain: () => end('SIGTERM'),
  };
}

async function firstUrl(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const url = /https?:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) return url.replace('//localhost', '//127.0.0.1');
  }
  throw new Error('the program printed no URL');
}

async function warehouseIsUp(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`);
    const { parts } = (await response.json()) as { parts: Readonly<Record<string, string>> };
    if (parts['warehouse'] === 'up') return;
    await sleep(pollMs);
  }
}
