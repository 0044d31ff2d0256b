/** What was sent and acknowledged so far, and what the dashboards may therefore show. */
import type { DashboardRow } from './dashboard.ts';
import { Floors } from './floors.ts';
import type { SentRequest } from './sent-request.ts';
import { type Counted, Tally } from './tally.ts';

export interface Acknowledged extends SentRequest {
  /** The text of the answer. */
  readonly answer: string;
  /** Unix milliseconds around it. */
  readonly begunMs: number;
  readonly acknowledgedMs: number;
}

export class Book {
  readonly acknowledged: Acknowledged[] = [];
  /** Requests that must be refused, and were. */
  refused = 0;
  /** Dashboards that were read. */
  reads = 0;
  /** Reads that nothing answered just then. */
  unanswered = 0;
  readonly #begun = new Tally();
  readonly #taken = new Tally();
  readonly #floors: Floors;

  constructor(agreeWithinMs: number) {
    this.#floors = new Floors(agreeWithinMs);
  }

  begin(request: SentRequest): void {
    this.#begun.add(request);
  }

  acknowledge(request: Acknowledged): void {
    this.acknowledged.push(request);
    for (const symbol of this.#taken.add(request))
      this.#floors.raise(symbol, this.#taken.of(symbol), performance.now());
  }

  /** What a read that begins now must show at least. */
  floorOf(symbol: string): Counted {
    return this.#floors.at(symbol, performance.now());
  }

  /** What is wrong with what a read has shown that began at that floor; undefined: nothing. */
  whyWrong({ symbol, count, followups }: DashboardRow, floor: Counted): string | undefined {
    const ceiling = this.#begun.of(symbol);
    const shown = `${symbol} has ${count} and ${followups} followups`;
    if (count < floor.count || followups < floor.followups)
      return `${shown}, and had, or was acknowledged, ${floor.count} and ${floor.followups}`;
    if (count > ceiling.count || followups > ceiling.followups)
      return `${shown}, and was sent ${ceiling.count} and ${ceiling.followups} at most`;
    this.#floors.raise(symbol, { count, followups }, performance.now());
    return undefined;
  }
}
