/**
 * Processor time of a process with its children, between two moments. PostgreSQL's sessions end in between, and its server does not have
 * their time then: each is read ten times a second, so that what one takes in its last tenth is missing.
 */
import { childrenOf } from '../memory/postgres-processes.ts';
import { readCpuSeconds } from '../process-cpu.ts';

const readEveryMs = 100;

export class FamilyCpu {
  readonly #pid: number;
  readonly #first = new Map<number, number>();
  readonly #last = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #reading = Promise.resolve();

  static async begin(pid: number): Promise<FamilyCpu> {
    const cpu = new FamilyCpu(pid);
    await cpu.#read();
    for (const [one, seconds] of cpu.#last) cpu.#first.set(one, seconds);
    cpu.#timer = setInterval(() => {
      cpu.#reading = cpu.#reading.then(() => cpu.#read());
    }, readEveryMs);
    return cpu;
  }

  private constructor(pid: number) {
    this.#pid = pid;
  }

  /** Seconds since `begin`, of all of them; 0 where it cannot be read. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    await this.#reading;
    await this.#read();
    let sum = 0;
    for (const [pid, seconds] of this.#last) sum += seconds - (this.#first.get(pid) ?? 0);
    return sum;
  }

  async #read(): Promise<void> {
    const pids = await childrenOf(this.#pid).catch(() => []); // without /proc
    for (const pid of [this.#pid, ...pids]) {
      const seconds = await readCpuSeconds(pid).catch(() => undefined); // it has ended
      if (seconds !== undefined) this.#last.set(pid, seconds);
    }
  }
}
