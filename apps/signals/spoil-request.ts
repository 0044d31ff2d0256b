/** Makes a request invalid, in each way that the server refuses: a parameter is missing, stands twice or is not what it should be. */
import type { Random } from '../random.ts';
import type { MadeRequest } from './generate.ts';

type Spoilt = Readonly<Record<string, unknown>>;
type Spoil = (request: MadeRequest) => Spoilt;
type Spoils = readonly [Spoil, ...Spoil[]];

export function spoilRequest(request: MadeRequest, random: Random): Spoilt {
  return random.pick(request.path === '/initial' ? [...badUuids, ...badSymbols] : badUuids)(request);
}

const uuidOf =
  (change: (uuid: string) => unknown): Spoil =>
  ({ uuid, ...rest }) => ({ ...rest, uuid: change(uuid) });

/** A list is a parameter that stands as often. */
export const badUuids: Spoils = [
  ({ uuid: _none, ...rest }) => rest,
  uuidOf((uuid) => [uuid, uuid]),
  uuidOf(() => ''),
  uuidOf(() => 'nobody'),
  uuidOf((uuid) => uuid.replaceAll('-', '')),
  uuidOf((uuid) => uuid.slice(1)),
  uuidOf((uuid) => `{${uuid}}`),
  uuidOf((uuid) => ` ${uuid}`),
  uuidOf((uuid) => `${uuid.slice(0, 14)}1${uuid.slice(15)}`), // version 1
  uuidOf((uuid) => `${uuid.slice(0, 19)}c${uuid.slice(20)}`), // another variant
  uuidOf((uuid) => `g${uuid.slice(1)}`),
];

const symbolOf =
  (symbol: unknown): Spoil =>
  (request) => ({ ...request, symbol });

export const badSymbols: Spoils = [
  ({ symbol: _none, ...rest }) => rest,
  ({ symbol, ...rest }) => ({ ...rest, symbol: [symbol, symbol] }),
  ({ symbol, ...rest }) => ({ ...rest, symbol: symbol?.toUpperCase() }),
  ...['', ' ', 'ee', '1', '-', 'é', 'ё', '%', 'e\n', '\0', '𝕖'].map(symbolOf),
];
