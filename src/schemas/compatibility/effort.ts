/**
 * The bound on the work of one comparison. Schemas come from outside and can be made so that comparing them takes
 * exponential time or endless depth; then the comparison ends with `TooComplex`, and they count as not compatible.
 */
export class TooComplex extends Error {
  override readonly name = 'TooComplex';
}

export class Effort {
  #steps = 0;
  #depth = 0;

  /** @throws TooComplex */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > maxSteps) throw new TooComplex(`comparing them takes more than ${maxSteps} steps`);
  }

  /** One step, and one level down in a schema that is being read. @throws TooComplex */
  descend<T>(read: () => T): T {
    this.spend(1);
    if (this.#depth >= maxDepth) throw new TooComplex(`one nests more than ${maxDepth} levels deep`);
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
}

/**
 * About a second, and a few hundred megabytes. What stayed the same costs little; a union of three hundred objects of which
 * none did costs two thirds of it.
 */
const maxSteps = 1_000_000;
/** About, as measured. */
export const stepsPerMs = 1000;
/** Takes a third of Node's default stack, as measured. */
export const maxDepth = 200;
