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

  /** One step, and one level down while `work` runs. @throws TooComplex */
  descend<T>(work: () => T): T {
    this.spend(1);
    if (this.#depth >= maxDepth) throw new TooComplex(`they nest more than ${maxDepth} levels deep`);
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}

/** A union of a thousand branches against another takes two million. */
export const maxSteps = 5_000_000;
/** About, as measured. */
export const stepsPerMs = 1000;
/** Of parts within parts, references followed. Uses a fifth of Node's default stack. */
export const maxDepth = 400;
