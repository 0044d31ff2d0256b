/** Which faults come, in which order and which together: the seed alone decides. */
import { between, type Random, seededRandom } from '../random.ts';
import { faults } from './faults.ts';

export interface PlannedFault {
  /** Of `faults`. */
  readonly kind: string;
  readonly awayMs: number;
  /** After the round has begun. */
  readonly afterMs: number;
  /** Of what the fault itself chooses. */
  readonly seed: number;
}

/** At once. */
export type Round = readonly PlannedFault[];

/** @param count of all faults together */
export function planRounds(count: number, seed: number): readonly Round[] {
  const random = seededRandom(seed);
  const rounds: Round[] = [];
  for (let planned = 0; planned < count;) {
    const wanted = Math.min(between(random, 1, 2), count - planned);
    const round: PlannedFault[] = [];
    while (round.length < wanted) {
      const kind = chooseKind(random);
      if (round.every((other) => faults[other.kind]?.target !== faults[kind]?.target))
        round.push(planFault(kind, random, round.length === 0 ? 1_000 : 3_000));
    }
    rounds.push(round);
    planned += round.length;
  }
  return rounds;
}

function planFault(kind: string, random: Random, latestMs: number): PlannedFault {
  return {
    kind,
    awayMs: between(random, 500, 5_000),
    afterMs: between(random, 0, latestMs),
    seed: between(random, 0, 2 ** 31),
  };
}

function chooseKind(random: Random): string {
  const all = Object.entries(faults);
  let left = random() * all.reduce((sum, [, { weight }]) => sum + weight, 0);
  for (const [kind, { weight }] of all) {
    left -= weight;
    if (left < 0) return kind;
  }
  return all[0]?.[0] as string;
}
