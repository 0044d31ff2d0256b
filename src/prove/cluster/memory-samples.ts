/** Resident memory of the nodes over the time of the proof, where the system tells it (Linux). */
import { readFileSync } from 'node:fs';

const everyMs = 500;

export interface MemoryThirds {
  /** The most that any node had in the first third of the proof, in MiB. */
  readonly firstThirdMiB: number;
  readonly lastThirdMiB: number;
}

export class MemorySamples {
  readonly #samples: number[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param pids of the nodes at the moment */
  constructor(pids: () => readonly (number | undefined)[]) {
    this.#timer = setInterval(() => {
      const found = pids().map((pid) => (pid === undefined ? 0 : residentMiB(pid)));
      this.#samples.push(Math.max(...found));
    }, everyMs).unref();
  }

  /** Undefined where the system does not tell. */
  end(): MemoryThirds | undefined {
    clearInterval(this.#timer);
    const third = Math.ceil(this.#samples.length / 3);
    const firstThirdMiB = Math.max(0, ...this.#samples.slice(0, third));
    const lastThirdMiB = Math.max(0, ...this.#samples.slice(-third));
    return firstThirdMiB > 0 ? { firstThirdMiB, lastThirdMiB } : undefined;
  }
}

/** 0 where there is no such process. */
function residentMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
  } catch {
    return 0; // it has ended, or this is no Linux
  }
}
