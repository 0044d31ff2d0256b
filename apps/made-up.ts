/** Made-up events of a system: as many as are asked for, and so many of them invalid. */
import type { GenerateOptions } from 'tributary';
import { Random } from './random.ts';

export interface Making {
  readonly random: Random;
  readonly places: InvalidPlaces;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/**
 * Lines of events, made again whenever they are iterated.
 * @throws RangeError where the count is no count or the share no share
 */
export function madeUp(options: GenerateOptions, make: (making: Making) => Iterator<string>): Iterable<string> {
  const { count, invalidShare, seed, now = Date.now } = options;
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no number of events: ${count}`);
  if (!(invalidShare >= 0 && invalidShare <= 1)) throw new RangeError(`no share from 0 to 1: ${invalidShare}`);
  return {
    [Symbol.iterator]: () => {
      const random = new Random(seed);
      return make({ random, places: new InvalidPlaces(options, random), nowMs: now() });
    },
  };
}

/**
 * Which of the events that are made up are to be invalid: exactly the share that is asked for, and every choice of places as likely
 * (selection sampling: Knuth, The Art of Computer Programming, 3.4.2, algorithm S).
 */
export class InvalidPlaces {
  readonly #random: Random;
  #left: number;
  #invalidLeft: number;

  constructor({ count, invalidShare }: GenerateOptions, random: Random) {
    this.#random = random;
    this.#left = count;
    this.#invalidLeft = Math.round(count * invalidShare);
  }

  /** Asked once for each event. */
  isNext(): boolean {
    const isInvalid = this.#random.fraction() * this.#left < this.#invalidLeft;
    this.#left -= 1;
    if (isInvalid) this.#invalidLeft -= 1;
    return isInvalid;
  }
}
