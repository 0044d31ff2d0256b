/** `tributary start` as an installed project runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cleanEnvironment } from '../support/program.ts';
import type { InstalledProject } from './installed-project.ts';

export interface RunningBin {
  readonly url: string;
  readonly log: () => string;
  /** SIGTERM; answers the exit code. */
  end(): Promise<number | null>;
}

/** Resolves when it has said its URL. */
export async function startBin({ dir, bin }: InstalledProject): Promise<RunningBin> {
  const child = spawn(process.execPath, [bin, 'start'], {
    cwd: dir,
    env: cleanEnvironment({ PORT: '0' }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const early = ended.then(([code]) => Promise.reject(new Error(`it ended with ${code}:\n${log}`)));
  early.catch(() => undefined); // later it is meant to end
  const url = (): string | undefined => /^Tributary is ready: (\S+)$/m.exec(output)?.[1];
  while (url() === undefined) await Promise.race([once(child.stdout, 'data'), early]);
  const end = async (): Promise<number | null> => {
    child.kill('SIGTERM');
    return (await ended)[0];
  };
  return { url: url()!, log: () => log, end };
}

export async function requestJson(url: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  return (await response.json()) as Record<string, unknown>;
}
