/** Initials by symbol, and their pairs with followups, as requests come. */
import type { SentRequest } from './sent-request.ts';

export interface Counted {
  readonly count: number;
  readonly followups: number;
}

interface OfUuid {
  readonly initials: Map<string, number>;
  followups: number;
}

export class Tally {
  readonly #bySymbol = new Map<string, { count: number; followups: number }>();
  readonly #byUuid = new Map<string, OfUuid>();

  /** Answers the symbols whose counts it has changed. */
  add({ uuid, symbol }: SentRequest): readonly string[] {
    const known = this.#byUuid.get(uuid) ?? { initials: new Map<string, number>(), followups: 0 };
    this.#byUuid.set(uuid, known);
    if (symbol !== null) {
      known.initials.set(symbol, (known.initials.get(symbol) ?? 0) + 1);
      const counted = this.#row(symbol);
      counted.count += 1;
      counted.followups += known.followups;
      return [symbol];
    }
    known.followups += 1;
    for (const [of, initials] of known.initials) this.#row(of).followups += initials;
    return [...known.initials.keys()];
  }

  of(symbol: string): Counted {
    return { ...this.#row(symbol) };
  }

  #row(symbol: string): { count: number; followups: number } {
    const row = this.#bySymbol.get(symbol) ?? { count: 0, followups: 0 };
    this.#bySymbol.set(symbol, row);
    return row;
  }
}
