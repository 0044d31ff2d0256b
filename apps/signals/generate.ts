/**
 * Requests as clients make them, made up, for `tributary send`: each line has the path and the parameters of one. Most clients ask
 * once, four in ten come back, most of them later than they asked, and a few do either several times.
 */
import type { GenerateOptions } from 'tributary';
import { Random } from '../random.ts';
import { symbols } from './read-symbol.ts';
import { spoilRequest } from './spoil-request.ts';

export interface MadeRequest {
  readonly path: '/initial' | '/followup';
  readonly uuid: string;
  readonly symbol?: string;
}

/** @throws RangeError where the count is no count or the share no share */
export function generateSignals({ count, invalidShare, seed }: GenerateOptions): Iterable<string> {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`no number of requests: ${count}`);
  if (!(invalidShare >= 0 && invalidShare <= 1)) throw new RangeError(`no share from 0 to 1: ${invalidShare}`);
  return { [Symbol.iterator]: () => generate(count, Math.round(count * invalidShare), new Random(seed)) };
}

function* generate(count: number, invalidCount: number, random: Random): Generator<string> {
  const requests = makeRequests(random);
  let invalidLeft = invalidCount;
  for (let index = 0; index < count; index++) {
    const request = requests.next().value;
    // selection sampling: exactly as many as asked for, every choice of places as likely
    const isInvalid = random.fraction() * (count - index) < invalidLeft;
    if (isInvalid) invalidLeft -= 1;
    yield JSON.stringify(isInvalid ? spoilRequest(request, random) : request);
  }
}

/** Clients that are at it at a time. */
const clients = 64;

function* makeRequests(random: Random): Generator<MadeRequest, never> {
  const open = Array.from({ length: clients }, () => makeClient(random));
  for (;;) {
    const place = random.below(clients);
    const [request, ...later] = open[place] as readonly MadeRequest[];
    open[place] = later.length > 0 ? later : makeClient(random);
    yield request as MadeRequest;
  }
}

/** What a client sends, in its order. */
function makeClient(random: Random): readonly MadeRequest[] {
  const uuid = makeUuid(random);
  const symbol = symbols[random.below(symbols.length)] as string;
  const times = (): number => (random.chance(0.05) ? 2 + random.below(3) : 1);
  const initials = Array.from({ length: times() }, () => ({ path: '/initial', uuid, symbol }) as const);
  const followups = random.chance(0.4)
    ? Array.from({ length: times() }, () => ({ path: '/followup', uuid }) as const)
    : [];
  return random.chance(0.1) ? [...followups, ...initials] : [...initials, ...followups];
}

function makeUuid(random: Random): string {
  const digits = Array.from({ length: 4 }, () => random.bits().toString(16).padStart(8, '0')).join('');
  const variant = random.pick(['8', '9', 'a', 'b']);
  const uuid = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`;
  return random.chance(0.02) ? uuid.toUpperCase() : uuid;
}
