/** The program under proof: started, killed and started again on one data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { dataPaths } from '../engine/data-paths.ts';
import { isPostgres, readLockFile } from '../stores/warehouse/embedded/lock-file.ts';

/** The command line's. */
export const program = join(
  import.meta.dirname,
  '../cli',
  import.meta.filename.endsWith('.ts') ? 'program.ts' : 'program.js',
);

export interface VictimOptions {
  readonly dataDir: string;
  readonly configFile: string | undefined;
  readonly system: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told the URL of each start, and that it is gone. */
  readonly onUrl: (url: string | undefined) => void;
  /** Default: this process's. */
  readonly workingDir?: string;
  /** Told what it says on standard error. */
  readonly onLog?: (text: string) => void;
}

export class Victim {
  readonly #options: VictimOptions;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<boolean>;
  #asked = false;
  #ended = false;
  #lastWords = '';

  constructor(options: VictimOptions) {
    this.#options = options;
    const args = [
      program,
      'start',
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--data-dir',
      options.dataDir,
      '--only',
      options.system,
    ];
    if (options.configFile !== undefined) args.push('--config', options.configFile);
    this.#child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // the channel ends it when this process is killed
      env: { ...options.env, LOG_LEVEL: 'warn' },
      cwd: options.workingDir,
    });
    this.#exited = this.#awaitExit();
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-4_000);
      options.onLog?.(text);
    });
    this.#ready = Promise.race([this.#awaitUrl(), this.#exited.then(() => false)]);
  }

  /** True when it takes events; false where it has ended, or takes longer. */
  async readyWithin(ms: number): Promise<boolean> {
    return (await within(this.#ready, ms)) ?? false;
  }

  /** Resolves when it is gone. */
  get exited(): Promise<unknown> {
    return this.#exited;
  }

  /** What it said last on standard error, for the report of a failure. */
  get lastWords(): string {
    return this.#lastWords;
  }

  get endedByItself(): boolean {
    return this.#ended;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** SIGSTOP: it does nothing, and its connections stay. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#asked = true;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGKILL to its PostgreSQL, so that the next start finds one that has to recover. */
  async killPostgres(): Promise<boolean> {
    const found = await readLockFile(dataPaths(this.#options.dataDir).postgres);
    if (!found || !(await isPostgres(found.pid))) return false; // the number may be another process's by now
    try {
      return process.kill(found.pid, 'SIGKILL');
    } catch {
      return false; // gone already
    }
  }

  /** SIGTERM, and SIGKILL where it takes longer; answers the exit code, 0 after a drain. */
  async drain(ms: number): Promise<number | null> {
    this.#asked = true;
    this.#child.kill('SIGTERM');
    if (
      (await within(
        this.#exited.then(() => true),
        ms,
      )) === undefined
    )
      await this.kill();
    return this.#child.exitCode;
  }

  async #awaitExit(): Promise<void> {
    await once(this.#child, 'exit');
    this.#ended = !this.#asked;
    this.#options.onUrl(undefined);
  }

  async #awaitUrl(): Promise<boolean> {
    for await (const line of createInterface({ input: this.#child.stdout! })) {
      const url = /https?:\/\/\S+/.exec(line)?.[0];
      if (url === undefined) continue;
      if (this.#asked) return false; // its last line came after its end
      this.#options.onUrl(url.replace('//localhost', '//127.0.0.1'));
      return true;
    }
    return false;
  }
}

/** What the promise comes to; undefined where it takes longer. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([promise, sleep(ms, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}

/** A moment to kill at, and how. */
export type Moment = 'start' | 'work' | 'postgres';

/** Kills the victim at a random moment of the given kind. False where that never came: it was not ready in time. */
export async function killAt(
  victim: Victim,
  moment: Moment,
  random: () => number,
  startTimeoutMs: number,
): Promise<boolean> {
  let isReady = true;
  if (moment === 'start') await sleep(random() * 1_000);
  else {
    isReady = await victim.readyWithin(startTimeoutMs);
    await sleep(random() * 800);
  }
  if (moment === 'postgres') {
    await victim.killPostgres();
    await sleep(random() * 150);
  }
  await victim.kill();
  return isReady;
}
