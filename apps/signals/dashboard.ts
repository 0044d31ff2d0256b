/** What `GET /dashboard` and the paths below it answer. */
import { http, type Minute, parseMinute, Reject, type Route, type RouteRequest, type Timestamp } from 'tributary';
import { bySymbol } from './by-symbol.ts';
import { readSymbol, symbols } from './read-symbol.ts';

export const dashboard: readonly Route[] = [
  http.get('/dashboard/symbol/:symbol', async ({ path }, read) => {
    const symbol = readSymbol(path['symbol']);
    return summary(symbol, await read(bySymbol).at(symbol));
  }),
  http.get('/dashboard/range/:lower/:upper', async ({ path }, read) => {
    const { lower, upper } = readRange(path);
    return summaries(await read(bySymbol).between(lower, upper));
  }),
  http.live('/dashboard/live', async (_request, read) => summaries(await read(bySymbol).all())),
  http.page('/dashboard', new URL('dashboard.html', import.meta.url)),
];

interface Counted {
  readonly count: number;
  readonly earliest: Timestamp | null;
  readonly latest: Timestamp | null;
  readonly followups: number;
}

const nothing: Counted = { count: 0, earliest: null, latest: null, followups: 0 };

function summaries(rows: ReadonlyMap<string, Counted>) {
  return symbols.map((symbol) => summary(symbol, rows.get(symbol) ?? nothing));
}

function summary(symbol: string, { count, earliest, latest, followups }: Counted) {
  return { count, symbol, earliest: shown(earliest), latest: shown(latest), followups };
}

/** `2017-06-28 19:34:14.486693`: as the clients that there are read times. */
function shown(time: Timestamp | null): string | null {
  return time && `${time.slice(0, 10)} ${time.slice(11, 26)}`;
}

function readRange(path: RouteRequest['path']): { readonly lower: Minute; readonly upper: Minute } {
  const lower = readMinute(path, 'lower');
  const upper = readMinute(path, 'upper');
  if (lower > upper) throw new Reject('upper', `expected none before ${lower}`);
  return { lower, upper };
}

function readMinute(path: RouteRequest['path'], name: 'lower' | 'upper'): Minute {
  const minute = parseMinute(path[name] ?? '');
  if (minute === undefined) throw new Reject(name, 'expected a date, YYYY-MM-DD, or a minute, YYYY-MM-DDTHH:MM');
  return minute;
}
