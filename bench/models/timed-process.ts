/** A command, from its start until it has ended: seconds, processor time of all its threads, and the most that was resident. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { atExit } from '../at-exit.ts';
import { readCpuSeconds } from '../process-cpu.ts';
import { readMemory } from '../process-memory.ts';

export interface Spent {
  readonly seconds: number;
  /** It and `peakRssBytes` as they were read last, some milliseconds before the end; undefined where the system does not tell. */
  readonly cpuSeconds: number | undefined;
  readonly peakRssBytes: number | undefined;
}

export interface Command {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
}

const readEveryMs = 15;

/** @throws where it ends with anything but 0 */
export async function timedProcess({ path, args, env, workingDir }: Command): Promise<Spent> {
  const { PATH, HOME, TMPDIR } = process.env;
  const startedMs = performance.now();
  const child = spawn(path, args, {
    cwd: workingDir,
    env: { PATH, HOME, ...(TMPDIR !== undefined && { TMPDIR }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const callOff = atExit(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)));
  const exited = once(child, 'exit').then(([code]) => ({ code: code as number | null, atMs: performance.now() }));
  const closed = once(child, 'close');
  for (const end of [exited, closed]) end.catch(() => undefined); // told below
  let [cpuSeconds, peakRssBytes]: (number | undefined)[] = [];
  let ended: Awaited<typeof exited> | undefined;
  while (ended === undefined) {
    const pid = child.pid as number;
    cpuSeconds = (await readCpuSeconds(pid).catch(() => undefined)) || cpuSeconds;
    peakRssBytes = (await readMemory(pid))?.peakRssBytes || peakRssBytes; // 0 of one that is ending
    ended = await Promise.race([sleep(readEveryMs, undefined), exited]);
  }
  const { code, atMs } = ended;
  await closed;
  callOff();
  if (code !== 0) throw new Error(`${path} ended with ${code}: ${said}`);
  return { seconds: (atMs - startedMs) / 1000, cpuSeconds, peakRssBytes };
}
