/**
 * Events as producers send them, made up: in every shape that `collect` takes, with a share of invalid ones. About
 * 466 bytes each.
 */
import type { GenerateOptions } from 'tributary';
import { Drafts } from './draft-event.ts';
import { madeUp, type Making } from '../made-up.ts';
import { shapeEvent } from './shape-event.ts';
import { spoilEvent } from './spoil-event.ts';

const dayMs = 86_400_000;

/** @throws RangeError where the count is no count or the share no share */
export function generateEvents(options: GenerateOptions): Iterable<string> {
  return madeUp(options, (making) => generate(options.count, making));
}

function* generate(count: number, { random, places, nowMs }: Making): Generator<string> {
  const drafts = new Drafts(random, Math.floor(nowMs / dayMs) * dayMs);
  for (let index = 0; index < count; index++) {
    const draft = drafts.draft(index);
    yield shapeEvent(places.isNext() ? spoilEvent(draft, random) : draft, random);
  }
}
