/**
 * Events as producers send them, made up: in every shape that `collect` takes, with a share of invalid ones. About
 * 466 bytes each.
 */
import type { GenerateOptions } from 'tributary';
import { Drafts } from './draft-event.ts';
import { Random } from '../random.ts';
import { shapeEvent } from './shape-event.ts';
import { spoilEvent } from './spoil-event.ts';

const dayMs = 86_400_000;

/** @throws RangeError where the count is no count or the share no share */
export function generateEvents({ count, invalidShare, seed, now = Date.now }: GenerateOptions): Iterable<string> {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no number of events: ${count}`);
  if (!(invalidShare >= 0 && invalidShare <= 1)) throw new RangeError(`no share from 0 to 1: ${invalidShare}`);
  return { [Symbol.iterator]: () => generate(count, Math.round(count * invalidShare), seed, now()) };
}

function* generate(count: number, invalidCount: number, seed: number | string, nowMs: number): Generator<string> {
  const random = new Random(seed);
  const drafts = new Drafts(random, Math.floor(nowMs / dayMs) * dayMs);
  let invalidLeft = invalidCount;
  for (let index = 0; index < count; index++) {
    let draft = drafts.draft(index);
    // selection sampling: exactly as many as asked for, every choice of places as likely
    if (random.fraction() * (count - index) < invalidLeft) {
      invalidLeft -= 1;
      draft = spoilEvent(draft, random);
    }
    yield shapeEvent(draft, random);
  }
}
