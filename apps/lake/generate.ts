/**
 * Events as the producer sends them, made up: about one in seven is a `signup`, and about 3% come again right after the event that they
 * are. An invalid one is as an older producer has it, or lacks something.
 */
import type { GenerateOptions } from 'tributary';
import { madeUp, type Making } from '../made-up.ts';
import type { Random } from '../random.ts';
import { eventTypes, sources } from './lake-event.ts';

const dayMs = 86_400_000;
const repeatedShare = 0.03;

/** @throws RangeError where the count is no count or the share no share */
export function generateEvents(options: GenerateOptions): Iterable<string> {
  return madeUp(options, (making) => generate(options.count, making));
}

function* generate(count: number, { random, places, nowMs }: Making): Generator<string> {
  const beforeMs = Math.floor(nowMs / dayMs) * dayMs;
  let last: string | undefined;
  for (let index = 0; index < count; index++) {
    if (places.isNext()) {
      yield JSON.stringify(spoil(draft(random, beforeMs), random));
      continue;
    }
    if (last === undefined || !random.chance(repeatedShare)) last = JSON.stringify(draft(random, beforeMs));
    yield last;
  }
}

type Draft = Readonly<Record<string, unknown>>;

function draft(random: Random, beforeMs: number): Draft {
  const type = random.pick(eventTypes);
  return {
    event_id: random.uuid(),
    user_id: who(random, beforeMs),
    event_type: type,
    source: random.pick(sources),
    timestamp: new Date(beforeMs - 1 - random.below(3 * dayMs)).toISOString(),
    properties: propertiesOf(type, random),
  };
}

const statuses = ['free', 'trial', 'paid'] as const;
const countries = ['US', 'BR', 'IE', 'DE', 'PL'] as const;

function who(random: Random, beforeMs: number): unknown {
  if (random.chance(0.1)) return null;
  const user_id = `user_${1 + random.below(10_000)}`;
  if (random.chance(0.3)) return user_id;
  const createdAt = new Date(beforeMs - random.below(900 * dayMs)).toISOString();
  return {
    user_id,
    age: 18 + random.below(72),
    status: random.pick(statuses),
    country: random.pick(countries),
    created_at: createdAt,
  };
}

const media = ['text', 'video', 'audio'] as const;
const prayers = ['academic', 'podcast', 'reflection', 'lectio_divina', 'rosary', 'meditation'] as const;

function propertiesOf(type: (typeof eventTypes)[number], random: Random): Draft {
  if (type === 'purchase')
    return { amount: (1 + random.below(20_000)) / 100, product_id: `product_${1 + random.below(200)}` };
  if (type === 'click' || type === 'signup' || type === 'pray') return {};
  const content_id = `content_${1 + random.below(1_000)}`;
  return { content_id, media_type: random.pick(media), prayer_type: random.pick(prayers) };
}

const spoils: readonly [(draft: Draft) => Draft, ...((draft: Draft) => Draft)[]] = [
  (event) => ({ ...event, timestamp: 'invalid-timestamp' }),
  (event) => ({ ...event, timestamp: String(event['timestamp']).slice(0, -1) }),
  (event) => ({ ...event, event_id: `${String(event['event_id'])}0` }),
  (event) => ({ ...event, event_id: 17 }),
  (event) => ({ ...event, user_id: 4711 }),
  (event) => ({ ...event, event_type: 'login' }),
  (event) => ({ ...event, source: 'desktop' }),
  (event) => ({ ...event, properties: [] }),
  without('properties'),
  without('source'),
];

function without(name: string): (event: Draft) => Draft {
  return (event) => Object.fromEntries(Object.entries(event).filter(([one]) => one !== name));
}

function spoil(event: Draft, random: Random): Draft {
  return random.pick(spoils)(event);
}
