/**
 * Events as producers send them, made up: in every shape that `collect` takes, with a share of invalid ones. About
 * 466 bytes each.
 */
import type { GenerateOptions } from 'tributary';
import { Drafts } from './draft-event.ts';
import { checkAsked, InvalidPlaces } from '../invalid-places.ts';
import { Random } from '../random.ts';
import { shapeEvent } from './shape-event.ts';
import { spoilEvent } from './spoil-event.ts';

const dayMs = 86_400_000;

/** @throws RangeError where the count is no count or the share no share */
export function generateEvents(options: GenerateOptions): Iterable<string> {
  checkAsked(options);
  const { now = Date.now } = options;
  return { [Symbol.iterator]: () => generate(options, now()) };
}

function* generate(options: GenerateOptions, nowMs: number): Generator<string> {
  const random = new Random(options.seed);
  const places = new InvalidPlaces(options, random);
  const drafts = new Drafts(random, Math.floor(nowMs / dayMs) * dayMs);
  for (let index = 0; index < options.count; index++) {
    const draft = drafts.draft(index);
    yield shapeEvent(places.isNext() ? spoilEvent(draft, random) : draft, random);
  }
}
