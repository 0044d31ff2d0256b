/**
 * What an event says, before a producer's habits shape it: the JSON text of each part. A part that is `undefined` is left
 * out. About 1,000 accounts; nearly all times of one day, as producers send what just happened.
 */
import { makeId } from './made-up-ids.ts';
import type { Random } from '../random.ts';

export interface Draft {
  readonly data: string | undefined;
  readonly type: string | undefined;
  readonly targetSubscription: string | undefined;
  readonly time: string | undefined;
  readonly messageId: string | undefined;
  readonly newContext: string | undefined;
  readonly amplitudeTrack: string | undefined;
  /** Not yet JSON text: what the parts above were made of. */
  readonly made: { readonly id: string; readonly accountId: string; readonly userId: string };
}

const dayMs = 86_400_000;

export class Drafts {
  readonly #random: Random;
  readonly #beforeMs: number;
  readonly #accounts: readonly [Account, ...Account[]];
  readonly #tailStart: number;

  constructor(random: Random, beforeMs: number) {
    this.#random = random;
    this.#beforeMs = beforeMs;
    this.#tailStart = random.bits();
    this.#accounts = several(1000, (index) => makeAccount(random, beforeMs, index));
  }

  /** @param index makes the message id unique: no two indices below 2^32 give the same */
  draft(index: number): Draft {
    const random = this.#random;
    const timeMs = this.#timeMs();
    const kind = random.pick(eventKinds);
    const account = random.pick(this.#accounts);
    const userId = random.pick(account.userIds);
    const id = makeId(random, timeMs, Math.imul(this.#tailStart + index, 0x9e3779b1) >>> 0);
    return {
      data: dataText(random, kind.prefix),
      type: kind.type,
      targetSubscription: kind.targetSubscription,
      time: timeText(random, timeMs),
      messageId: `"${id}"`,
      newContext: contextText(random, account.id, userId),
      amplitudeTrack: random.chance(0.1) ? trackText(random) : undefined,
      made: { id, accountId: account.id, userId },
    };
  }

  /** Of a thousand two come up to three weeks late, and one has a time from far off. */
  #timeMs(): number {
    const random = this.#random;
    const lateness = random.fraction();
    let daysBefore = random.fraction();
    if (lateness < 0.003) daysBefore *= 21;
    if (lateness < 0.001) daysBefore = 700 * random.fraction() - 40;
    return Math.floor(this.#beforeMs - 1 - daysBefore * dayMs);
  }
}

interface Account {
  readonly id: string;
  readonly userIds: readonly [string, ...string[]];
}

function makeAccount(random: Random, timeMs: number, index: number): Account {
  const madeMs = timeMs - dayMs * (30 + random.below(1000));
  const userIds = several(1 + random.below(8), () => makeId(random, madeMs, random.bits()));
  return { id: makeId(random, madeMs, index), userIds };
}

/** @param count at least 1 */
function several<T>(count: number, make: (index: number) => T): [T, ...T[]] {
  return Array.from({ length: count }, (_, index) => make(index)) as [T, ...T[]];
}

const eventKinds = [
  kindOf('order', 'App\\Order\\Placed', 'orders'),
  kindOf('order', 'App\\Order\\Paid', 'billing'),
  kindOf('cart', 'App\\Cart\\ItemAdded', 'carts'),
  kindOf('user', 'App\\User\\SignedIn', 'audience'),
  kindOf('inv', 'invoice.sent', 'billing'),
  kindOf('ref', 'App\\Refund\\Issued', 'refunds'),
] as const;

function kindOf(prefix: string, type: string, targetSubscription: string) {
  return { prefix, type: JSON.stringify(type), targetSubscription: JSON.stringify(targetSubscription) };
}

function dataText(random: Random, prefix: string): string {
  const more = random.chance(0.25) ? extraOf(random) : '';
  return `{"id":"${prefix}-${random.below(100_000)}","amount":${amountOf(random)}${more}}`;
}

function amountOf(random: Random): string {
  const form = random.fraction();
  if (form < 0.85) return (random.below(50_000) / 100).toFixed(2);
  if (form < 0.95) return String(random.below(1000));
  return random.pick(['-12.50', '1.25e2', '0', '0.1000000000000000055511151', '5E-3']);
}

/** More fields of `data`, with numbers that a double cannot hold and names that only look dangerous. */
function extraOf(random: Random): string {
  return random.pick([
    ',"huge":1e400',
    ',"rate":0.1234567890123456789012345',
    `,"serial":9007199254740993${random.below(1000)}`,
    ',"note":"na\u00efve \\u2615 \\"x\\""',
    ',"tags":["a",{"b":[1,2,3.10]}]',
    ',"__proto__":{"admin":true}',
    ',"constructor":null',
    ',"amount":7.50', // twice: the last counts
    ',"coupon": null , "items": [ ]',
  ]);
}

/** As producers write times; of those without a fraction the milliseconds are cut. */
function timeText(random: Random, timeMs: number): string {
  const form = random.fraction();
  if (form < 0.2) return String(timeMs);
  const iso = new Date(timeMs).toISOString();
  if (form < 0.6) return `"${iso}"`;
  if (form < 0.8) return `"${iso.slice(0, 19)}Z"`;
  if (form < 0.9) return `"${iso.slice(0, 23)}${String(random.below(1000)).padStart(3, '0')}+00:00"`;
  if (form < 0.98) return `"${new Date(timeMs + 7_200_000).toISOString().slice(0, 19)}+02:00"`;
  return `"${iso.toLowerCase()}"`;
}

function contextText(random: Random, accountId: string, userId: string): string {
  const platform = random.fraction();
  const more = platform < 0.1 ? ',"requestPlatform":"ios"' : platform < 0.13 ? ',"requestPlatform":null' : '';
  return `{"accountId":"${accountId}","userId":"${userId}"${more}}`;
}

/** `null` is the same as none. */
function trackText(random: Random): string {
  if (random.chance(0.2)) return 'null';
  const device = random.chance(0.3) ? ',"trackedDevice":"web"' : '';
  return `{"id":${random.below(1_000_000)}${device}}`;
}
