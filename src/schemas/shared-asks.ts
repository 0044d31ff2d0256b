/** Who asks for a thing while it is being asked for gets the same answer. */
export interface SharedAsk<Answer> {
  readonly answer: Promise<Answer>;
  readonly sinceMs: number;
}

export class SharedAsks<Answer> {
  readonly #now: () => number;
  readonly #underWay = new Map<string, SharedAsk<Answer>>();

  constructor(now: () => number) {
    this.#now = now;
  }

  share(what: string, ask: () => Promise<Answer>): SharedAsk<Answer> {
    const underWay = this.#underWay.get(what);
    if (underWay !== undefined) return underWay;
    const answer = ask().finally(() => this.#underWay.delete(what));
    answer.catch(() => undefined); // whoever still waits for it is told
    const shared = { answer, sinceMs: this.#now() };
    this.#underWay.set(what, shared);
    return shared;
  }
}
