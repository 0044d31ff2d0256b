/** One node of the program: started until it takes events, as by a supervisor, and killed, stopped and drained. */
import { createWriteStream, mkdirSync, writeFileSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Victim, within } from '../victim.ts';

export interface ClusterNodeOptions {
  readonly name: string;
  /** Of its own: data, log, and the number of its process. */
  readonly dir: string;
  /** Undefined: its own directory. */
  readonly workingDir: string | undefined;
  readonly system: string;
  /** An absolute path. */
  readonly configFile: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onUrl: (url: string | undefined) => void;
  /** Told of ends that nobody caused, and of starts that took too long. */
  readonly onFailure: (text: string) => void;
  /** From a start to where it takes events. */
  readonly startLimitMs: number;
}

const startAgainAfterMs = 250;
const exitLimitMs = 1_000;

export class ClusterNode {
  readonly name: string;
  readonly dataDir: string;
  /** Starts that ended by themselves before it took events, as where no broker answers. */
  failedStarts = 0;
  readonly #options: ClusterNodeOptions;
  #log: WriteStream | undefined;
  #victim: Victim | undefined;

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.dataDir = join(options.dir, 'data');
  }

  /** Resolves when it takes events, or was killed before; also where it takes too long, which is a failure. */
  async start(): Promise<void> {
    const { name, startLimitMs, onFailure } = this.#options;
    for (const endMs = Date.now() + startLimitMs; ;) {
      const victim = this.#spawn();
      if (await victim.readyWithin(endMs - Date.now())) return void this.#watch(victim);
      await within(victim.exited, exitLimitMs); // its output ends first
      if (victim !== this.#victim) return; // killed meanwhile
      if (!victim.endedByItself)
        return onFailure(`${name} took no events within ${startLimitMs / 1000} s: ${victim.lastWords}`);
      this.failedStarts += 1;
      if (Date.now() > endMs) return onFailure(`${name} does not start: ${victim.lastWords}`);
      await sleep(startAgainAfterMs);
      if (victim !== this.#victim) return;
    }
  }

  #spawn(): Victim {
    const { dir, workingDir = dir, system, configFile, env, onUrl } = this.#options;
    mkdirSync(dir, { recursive: true });
    const log = (this.#log ??= createWriteStream(join(dir, 'log'), { flags: 'a' }));
    const onLog = (text: string): void => void log.write(text);
    const victim = new Victim({ dataDir: this.dataDir, workingDir, system, configFile, env, onUrl, onLog });
    this.#victim = victim;
    if (victim.pid !== undefined) writeFileSync(join(dir, 'pid'), `${victim.pid}\n`);
    return victim;
  }

  async #watch(victim: Victim): Promise<void> {
    const { name, onFailure } = this.#options;
    await victim.exited;
    if (victim.endedByItself) onFailure(`${name} ended by itself: ${victim.lastWords}`);
  }

  get pid(): number | undefined {
    return this.#victim?.pid;
  }

  async kill(): Promise<void> {
    const victim = this.#victim;
    this.#victim = undefined;
    await victim?.kill();
  }

  freeze(): void {
    this.#victim?.freeze();
  }

  thaw(): void {
    this.#victim?.thaw();
  }

  /** Answers the exit code, null where it was killed since it took longer. */
  async drain(limitMs: number): Promise<number | null> {
    const victim = this.#victim;
    this.#victim = undefined;
    const code = await victim?.drain(limitMs);
    if (code !== 0) this.#log?.write(`\n[the proof] after SIGTERM it ended with ${code}\n`);
    return code ?? null;
  }

  async close(): Promise<void> {
    await this.kill();
    const log = this.#log;
    if (log) await new Promise<void>((resolve) => log.end(() => resolve()));
  }
}
