/**
 * Events as the two producers make them: a thousand users and no more, and cards for ever, new ones and modifications. Ids of cards have gaps, some cards
 * name no user, then and later, some name one who does not exist, and two modifications may share their second.
 */
import type { Random } from '../random.ts';

export interface MadeEvent {
  readonly metadata: { readonly type: 'user' | 'card'; readonly event_at: string; readonly event_id: string };
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Ids from 0. */
export const userCount = 1000;

const names = ['Ada', 'Blaise', 'Carla', 'Dmitri', 'Élise', 'Farid', 'Grace', 'Haruki', 'Ines', '李'] as const;
const streets = ['Mill Lane', 'Rue du Port', 'Hauptstraße', 'Via Roma'] as const;
const jobs = ['baker', 'pilot', 'teacher', 'welder', 'nurse'] as const;

/** @param second of the producer's clock, Unix seconds */
export function makeUser(id: number, second: number, random: Random): MadeEvent {
  return {
    metadata: { type: 'user', event_at: localTime(second), event_id: random.uuid() },
    payload: {
      id,
      name: `${random.pick(names)} ${random.pick(names)}`,
      address: `${1 + random.below(200)} ${random.pick(streets)}`,
      job: random.pick(jobs),
      score: Math.round(random.fraction() * 100) / 100,
    },
  };
}

interface MadeCard {
  readonly id: number;
  /** Undefined where it names none. */
  readonly user_id: number | undefined;
  readonly created_by_name: string;
  readonly created_at: string;
  readonly active: boolean;
}

/** Cards that are still modified; older ones rest. */
const mostModified = 10_000;

export class CardMaker {
  readonly #random: Random;
  readonly #cards: MadeCard[] = [];
  #nextId: number;

  constructor(random: Random, nextId = 0) {
    this.#random = random;
    this.#nextId = nextId;
  }

  /** Of the card that is made next. */
  get nextId(): number {
    return this.#nextId;
  }

  /** @param second of the producer's clock, Unix seconds */
  next(second: number): MadeEvent {
    const random = this.#random;
    const isNew = this.#cards.length === 0 || random.chance(0.4);
    const place = isNew ? this.#newPlace() : random.below(this.#cards.length);
    const before = this.#cards[place];
    const card = isNew || !before ? this.#make(second) : { ...before, active: random.chance(0.7) };
    this.#cards[place] = card;
    const { id, user_id, created_by_name, created_at, active } = card;
    const updated_at = localTime(second);
    return {
      metadata: { type: 'card', event_at: updated_at, event_id: random.uuid() },
      payload: { id, user_id, created_by_name, updated_at, created_at, active },
    };
  }

  #newPlace(): number {
    return this.#cards.length < mostModified ? this.#cards.length : this.#random.below(mostModified);
  }

  #make(second: number): MadeCard {
    const random = this.#random;
    const id = this.#nextId;
    this.#nextId += random.chance(0.2) ? 2 + random.below(3) : 1;
    const user = random.chance(0.02) ? userCount : random.below(userCount);
    return {
      id,
      user_id: random.chance(0.05) ? undefined : user,
      created_by_name: `${random.pick(names)} ${random.pick(names)}`,
      created_at: localTime(second),
      active: true,
    };
  }
}

/** `YYYY-MM-DD HH:MM:SS` */
function localTime(second: number): string {
  return new Date(second * 1000).toISOString().slice(0, 19).replace('T', ' ');
}
