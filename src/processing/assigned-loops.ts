/** The loops of the partitions that are this process's to process: begun and ended as they come and go. */
import type { TopicPartition } from '../log/log.ts';

export interface Loop {
  start(): void;
  /** Lands what is in hand (D8). */
  drain(): Promise<void>;
}

export class AssignedLoops<L extends Loop> {
  readonly #make: (at: TopicPartition) => L;
  /** By partition. */
  readonly #loops = new Map<number, L>();
  /** Loops of partitions that were taken away, until they have landed what they had in hand. */
  readonly #leaving = new Map<number, Promise<void>>();
  #isDraining = false;

  constructor(make: (at: TopicPartition) => L) {
    this.#make = make;
  }

  all(): readonly L[] {
    return [...this.#loops.values()];
  }

  /** Undefined where the partition is not this process's. */
  of(partition: number): L | undefined {
    return this.#loops.get(partition);
  }

  assign(partitions: readonly TopicPartition[]): void {
    const wanted = new Map(this.#isDraining ? [] : partitions.map((at) => [at.partition, at]));
    for (const [partition, loop] of this.#loops) if (!wanted.has(partition)) this.#stop(partition, loop);
    for (const at of wanted.values()) if (!this.#loops.has(at.partition)) this.#begin(at);
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    this.assign([]);
    await Promise.all(this.#leaving.values());
  }

  #begin(at: TopicPartition): void {
    const loop = this.#make(at);
    this.#loops.set(at.partition, loop);
    const start = (): void => {
      if (this.#loops.get(at.partition) === loop) loop.start(); // else it was taken away again
    };
    const leaving = this.#leaving.get(at.partition);
    if (leaving) void leaving.then(start);
    else start();
  }

  #stop(partition: number, loop: L): void {
    this.#loops.delete(partition);
    const before = this.#leaving.get(partition);
    const landInHand = async (): Promise<void> => {
      await Promise.all([before, loop.drain()]);
      if (this.#leaving.get(partition) === left) this.#leaving.delete(partition);
    };
    const left = landInHand();
    this.#leaving.set(partition, left);
  }
}
