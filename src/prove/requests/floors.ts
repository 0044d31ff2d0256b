/** What a dashboard must show at least: what was acknowledged, and what any read has shown, each from its moment on. */
import type { Counted } from './tally.ts';

interface Floor extends Counted {
  readonly sinceMs: number;
}

export class Floors {
  readonly #agreeWithinMs: number;
  /** Of each symbol, the older first; each is at least the one before. */
  readonly #floors = new Map<string, Floor[]>();

  /** @param agreeWithinMs a read that begins so much later shows it */
  constructor(agreeWithinMs: number) {
    this.#agreeWithinMs = agreeWithinMs;
  }

  raise(symbol: string, { count, followups }: Counted, nowMs: number): void {
    const floors = this.#floors.get(symbol) ?? [];
    this.#floors.set(symbol, floors);
    const top = floors.at(-1) ?? { count: 0, followups: 0 };
    if (count <= top.count && followups <= top.followups) return;
    const raised = { count: Math.max(count, top.count), followups: Math.max(followups, top.followups) };
    floors.push({ ...raised, sinceMs: nowMs });
  }

  /** For a read that begins now. Time must not go back: what is too old to count any more is forgotten. */
  at(symbol: string, nowMs: number): Counted {
    const floors = this.#floors.get(symbol) ?? [];
    const valid = floors.findLastIndex(({ sinceMs }) => sinceMs <= nowMs - this.#agreeWithinMs);
    if (valid > 0) floors.splice(0, valid);
    return valid < 0 ? { count: 0, followups: 0 } : (floors[0] as Floor);
  }
}
