/**
 * The verdicts on pairs of parts: each pair is compared once, and one that is met again while it is being compared (schemas
 * can be recursive) counts as readable. Where that turns out wrong, all is compared again with what is known by then, until
 * nothing new comes out: the greatest fixpoint. Without it a verdict reached under a wrong assumption would stand.
 */
import { type Effort } from './effort.ts';
import type { Problem } from './problem.ts';

export class Pairs<Part extends object> {
  readonly #effort: Effort;
  #known = new PairMap<Part>();
  #done = new PairMap<Part>();
  readonly #open = new PairMap<Part>();
  #assumed = false;

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  /** What is wrong with a pair, paths relative to it; at most a hundred things, since the paths to shared parts multiply. */
  problems(reader: Part, writer: Part, compare: () => readonly Problem[]): readonly Problem[] {
    const found = this.#done.get(reader, writer) ?? this.#find(reader, writer, compare);
    this.#effort.spend(1 + found.length * stepsPerProblem);
    return found;
  }

  #find(reader: Part, writer: Part, compare: () => readonly Problem[]): readonly Problem[] {
    if (this.#open.get(reader, writer) !== undefined) {
      const known = this.#known.get(reader, writer);
      this.#assumed ||= known === undefined;
      return known ?? [];
    }
    this.#open.set(reader, writer, []);
    const found = this.#effort.descend(compare).slice(0, maxProblems);
    this.#open.delete(reader, writer);
    this.#done.set(reader, writer, found);
    return found;
  }

  /** Runs the whole comparison, again where it rested on a wrong assumption. */
  settle(compareAll: () => readonly Problem[]): readonly Problem[] {
    for (;;) {
      this.#assumed = false;
      const found = compareAll();
      const known = this.#done.filter((problems) => problems.length > 0);
      if (!this.#assumed || known.size === this.#known.size) return found;
      this.#known = known;
      this.#done = new PairMap();
    }
  }
}

const maxProblems = 100;
/** They are copied wherever the pair stands. */
const stepsPerProblem = 10;

class PairMap<Part extends object> {
  readonly #rows = new Map<Part, Map<Part, readonly Problem[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(reader: Part, writer: Part): readonly Problem[] | undefined {
    return this.#rows.get(reader)?.get(writer);
  }

  /** For a pair that is not in it. */
  set(reader: Part, writer: Part, problems: readonly Problem[]): void {
    const row = this.#rows.get(reader);
    if (row === undefined) this.#rows.set(reader, new Map([[writer, problems]]));
    else row.set(writer, problems);
    this.#size++;
  }

  delete(reader: Part, writer: Part): void {
    this.#rows.get(reader)?.delete(writer);
    this.#size--;
  }

  filter(keep: (problems: readonly Problem[]) => boolean): PairMap<Part> {
    const kept = new PairMap<Part>();
    for (const [reader, row] of this.#rows)
      for (const [writer, problems] of row) if (keep(problems)) kept.set(reader, writer, problems);
    return kept;
  }
}
