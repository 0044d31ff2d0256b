/** Events of both producers among each other, one a line, in the order in which they happened. */
import type { GenerateOptions } from 'tributary';
import { madeUp, type Making } from '../made-up.ts';
import type { Random } from '../random.ts';
import { CardMaker, type MadeEvent, makeUser, userCount } from './made-events.ts';
import { spoilEvent } from './spoil-event.ts';

const daySeconds = 86_400;

/** One in five is of a user, until all are there. @throws RangeError where the count is no count or the share no share */
export function generateCards(options: GenerateOptions): Iterable<string> {
  return madeUp(options, (making) => generate(options.count, making));
}

function* generate(count: number, { random, places, nowMs }: Making): Generator<string> {
  const endSecond = Math.floor(nowMs / 1000 / daySeconds) * daySeconds;
  const events = makeEvents(random, endSecond - count);
  for (let index = 0; index < count; index++) {
    const event = events.next().value;
    yield JSON.stringify(places.isNext() ? spoilEvent(event, random) : event);
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
