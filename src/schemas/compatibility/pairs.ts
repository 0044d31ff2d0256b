/**
 * The verdicts on pairs of parts: each pair is compared once. One that is met again while it is being compared (schemas can be
 * recursive), or so deep that the stack could end, counts as readable for the moment. Where that turns out wrong, all is
 * compared again with what is known by then, until nothing new comes out: the greatest fixpoint. Without it a verdict reached
 * under a wrong assumption would stand.
 */
import type { Effort } from './effort.ts';
import type { Problem } from './problem.ts';

export type Compare = () => readonly Problem[];

export class Pairs<Part extends object> {
  readonly #effort: Effort;
  /** What this run has found, or `beingCompared`. */
  #found = new PairMap<Part>();
  /** Pairs that earlier runs found not readable. */
  readonly #known = new PairMap<Part>();
  /** Whether this run only looks for more of them. */
  #isSearching = false;
  #assumed = false;
  #depth = 0;
  /** Pairs that were too deep, to be compared from the top. */
  #deferred: (() => void)[] = [];

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  /** What is wrong with a pair, paths relative to it; at most a hundred things, since the paths to shared parts multiply. */
  problems(reader: Part, writer: Part, compare: Compare): readonly Problem[] {
    const problems = this.#find(reader, writer, compare);
    for (const { path } of problems) this.#effort.spend(stepsPerProblem + path.length);
    return problems;
  }

  reads(reader: Part, writer: Part, compare: Compare): boolean {
    return this.#find(reader, writer, compare).length === 0;
  }

  /** Runs the whole comparison; where it rested on assumptions, until they are known to be right, and once more. */
  settle(compareAll: Compare): readonly Problem[] {
    const problems = this.#run(compareAll);
    if (!this.#assumed) return problems;
    this.#isSearching = true;
    while (this.#learn()) this.#run(compareAll);
    this.#isSearching = false;
    return this.#run(compareAll);
  }

  #run(compareAll: Compare): readonly Problem[] {
    const problems = compareAll();
    for (let next = this.#deferred.pop(); next !== undefined; next = this.#deferred.pop()) next();
    return problems;
  }

  /** Notes what a run found not readable. False where that was known. */
  #learn(): boolean {
    const { size } = this.#known;
    this.#found.addUnreadableTo(this.#known);
    this.#found = new PairMap();
    return this.#known.size > size;
  }

  #find(reader: Part, writer: Part, compare: Compare): readonly Problem[] {
    this.#effort.spend(1);
    const known = this.#known.get(reader, writer);
    if (this.#isSearching && known !== undefined) return known;
    const found = this.#found.get(reader, writer);
    if (found !== undefined && found !== beingCompared) return found;
    if (found === beingCompared || this.#depth >= maxPairDepth) {
      if (found === undefined) this.#deferred.push(() => this.#find(reader, writer, compare));
      this.#assumed ||= known === undefined;
      return known ?? none;
    }
    return this.#compareNow(reader, writer, compare);
  }

  #compareNow(reader: Part, writer: Part, compare: Compare): readonly Problem[] {
    this.#found.set(reader, writer, beingCompared);
    this.#depth++;
    const problems = compare();
    this.#depth--;
    const kept = problems.length === 0 ? none : problems.slice(0, maxProblems);
    this.#found.set(reader, writer, kept);
    return kept;
  }
}

const none: readonly Problem[] = [];
const beingCompared: readonly Problem[] = [];
const maxProblems = 100;
/** Takes a third of Node's default stack, as measured; a schema that is read on the way takes as much again. */
const maxPairDepth = 200;
/** They are copied wherever the pair stands. */
const stepsPerProblem = 3;

class PairMap<Part extends object> {
  readonly #rows = new Map<Part, Map<Part, readonly Problem[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(reader: Part, writer: Part): readonly Problem[] | undefined {
    return this.#rows.get(reader)?.get(writer);
  }

  set(reader: Part, writer: Part, problems: readonly Problem[]): void {
    const row = this.#rows.get(reader) ?? new Map<Part, readonly Problem[]>();
    if (!row.has(writer)) this.#size++;
    row.set(writer, problems);
    this.#rows.set(reader, row);
  }

  addUnreadableTo(other: PairMap<Part>): void {
    for (const [reader, row] of this.#rows)
      for (const [writer, problems] of row) if (problems.length > 0) other.set(reader, writer, problems);
  }
}
