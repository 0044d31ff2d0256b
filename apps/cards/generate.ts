/** Events of both producers among each other, one a line, in the order in which they happened. */
import type { GenerateOptions } from 'tributary';
import { Random } from '../random.ts';
import { CardMaker, type MadeEvent, makeUser, userCount } from './made-events.ts';
import { spoilEvent } from './spoil-event.ts';

const daySeconds = 86_400;

/** One in five is of a user, until all are there. @throws RangeError where the count is no count or the share no share */
export function generateCards({ count, invalidShare, seed, now = Date.now }: GenerateOptions): Iterable<string> {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no number of events: ${count}`);
  if (!(invalidShare >= 0 && invalidShare <= 1)) throw new RangeError(`no share from 0 to 1: ${invalidShare}`);
  const day = Math.floor(now() / 1000 / daySeconds) * daySeconds;
  return { [Symbol.iterator]: () => generate(count, Math.round(count * invalidShare), new Random(seed), day) };
}

function* generate(count: number, invalidCount: number, random: Random, endSecond: number): Generator<string> {
  let invalidLeft = invalidCount;
  const events = makeEvents(random, endSecond - count);
  for (let index = 0; index < count; index++) {
    const event = events.next().value;
    // selection sampling: exactly as many as asked for, every choice of places as likely
    const isInvalid = random.fraction() * (count - index) < invalidLeft;
    if (isInvalid) invalidLeft -= 1;
    yield JSON.stringify(isInvalid ? spoilEvent(event, random) : event);
  }
}

function* makeEvents(random: Random, start: number): Generator<MadeEvent, never> {
  const cards = new CardMaker(random);
  let second = start;
  for (let user = 0; ;) {
    if (random.chance(0.5)) second += 1; // so every second has two
    if (user < userCount && random.chance(0.2)) yield makeUser(user++, second, random);
    else yield cards.next(second);
  }
}
