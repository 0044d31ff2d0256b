/**
 * Requests as clients make them, made up, for `tributary send`: each line has the path and the parameters of one. Most clients ask
 * once, four in ten come back, most of them later than they asked, and a few do either several times.
 */
import type { GenerateOptions } from 'tributary';
import { madeUp, type Making } from '../made-up.ts';
import type { Random } from '../random.ts';
import { symbols } from './read-symbol.ts';
import { spoilRequest } from './spoil-request.ts';

export interface MadeRequest {
  readonly path: '/initial' | '/followup';
  readonly uuid: string;
  readonly symbol?: string;
}

/** @throws RangeError where the count is no count or the share no share */
export function generateSignals(options: GenerateOptions): Iterable<string> {
  return madeUp(options, (making) => generate(options.count, making));
}

function* generate(count: number, { random, places }: Making): Generator<string> {
  const requests = makeRequests(random);
  for (let index = 0; index < count; index++) {
    const request = requests.next().value;
    yield JSON.stringify(places.isNext() ? spoilRequest(request, random) : request);
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
  const uuid = random.uuid();
  return random.chance(0.02) ? uuid.toUpperCase() : uuid;
}
