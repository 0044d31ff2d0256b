/** Users, content and events as the real API makes them up, anew at each of its starts. The same seed gives the same ones. */
import { Random } from '../../random.ts';

export interface User {
  readonly user_id: string;
  readonly age: number;
  readonly status: 'free' | 'paid' | 'trial';
  readonly country: string;
  readonly created_at: string;
}

export interface Content {
  readonly content_id: string;
  readonly prayer_type: string;
  readonly media_type: string;
  readonly created_at: string;
}

export interface MadeEvent {
  readonly event_id: string;
  readonly user_id: User;
  readonly event_type: string;
  readonly source: string;
  readonly timestamp: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Counts {
  readonly users: number;
  readonly content: number;
}

/** As many of each as the real one has. */
export const usualCounts: Counts = { users: 10_000, content: 1_000 };

const statuses = ['free', 'free', 'free', 'paid', 'trial'] as const;
const countries = ['US', 'US', 'US', 'BR', 'BR', 'IE', 'FR'] as const;
const prayerTypes = ['academic', 'podcast', 'reflection', 'lectio_divina', 'rosary', 'meditation'] as const;
const mediaTypes = ['audio', 'audio', 'audio', 'video', 'text'] as const;
const eventTypes = ['click', 'view', 'purchase', 'signup', 'pray', 'share', 'like'] as const;
const sources = ['web', 'apple', 'android'] as const;

export class MadeData {
  readonly users: readonly User[];
  readonly content: readonly Content[];
  readonly #random: Random;

  constructor(seed: number | string, counts: Counts = usualCounts) {
    const random = new Random(`data ${seed}`);
    this.#random = random;
    this.users = Array.from({ length: counts.users }, (_, i) => makeUser(i + 1, random));
    this.content = Array.from({ length: counts.content }, (_, i) => makeContent(i + 1, random));
  }

  event(nowMs: number): MadeEvent {
    const random = this.#random;
    const event_type = random.pick(eventTypes);
    return {
      event_id: random.uuid(),
      user_id: random.pick(this.users as readonly [User, ...User[]]),
      event_type,
      source: random.pick(sources),
      timestamp: new Date(nowMs).toISOString(),
      properties: this.#properties(event_type),
    };
  }

  #properties(type: string): Readonly<Record<string, unknown>> {
    const random = this.#random;
    if (type === 'purchase')
      return { amount: (1 + random.below(20_000)) / 100, product_id: `product_${1 + random.below(100)}` };
    if (!['view', 'like', 'share'].includes(type)) return {};
    const { content_id, media_type, prayer_type } = random.pick(this.content as readonly [Content, ...Content[]]);
    return { content_id, media_type, prayer_type };
  }
}

function makeUser(number: number, random: Random): User {
  return {
    user_id: `user_${number}`,
    age: 18 + random.below(81),
    status: random.pick(statuses),
    country: random.pick(countries),
    created_at: timeIn2023(random),
  };
}

function makeContent(number: number, random: Random): Content {
  return {
    content_id: `content_${number}`,
    prayer_type: random.pick(prayerTypes),
    media_type: random.pick(mediaTypes),
    created_at: timeIn2023(random),
  };
}

const start = Date.UTC(2023, 0, 1);
const yearMs = 365 * 24 * 3_600_000;

/** With microseconds, in UTC, without a zone. */
function timeIn2023(random: Random): string {
  const micros = String(random.below(1_000)).padStart(3, '0');
  return `${new Date(start + Math.floor(random.fraction() * yearMs)).toISOString().slice(0, -1)}${micros}`;
}
