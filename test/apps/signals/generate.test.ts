/** `generate signals`: what clients send, in a mix as of real ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, constantFrom, double, nat, property } from 'fast-check';
import { type Received, Reject, type Timestamp } from 'tributary';
import { generateSignals } from '../../../apps/signals/generate.ts';
import { followup, initial } from '../../../apps/signals/requests.ts';
import type { Signal } from '../../../apps/signals/signal.ts';
import { badSymbols, badUuids } from '../../../apps/signals/spoil-request.ts';
import { uuidOf } from './read-signals.ts';

const received: Received = { time: '2017-06-28T19:34:14.486693Z' as Timestamp };

const linesOf = (count: number, invalidShare: number, seed: number | string): string[] => [
  ...generateSignals({ count, invalidShare, seed }),
];

/** As the source takes it: each parameter once. Undefined where it is refused. */
function taken(line: string): Signal | undefined {
  const { path, ...parameters } = JSON.parse(line) as { path: string; [name: string]: unknown };
  const needed = path === '/initial' ? ['uuid', 'symbol'] : ['uuid'];
  if (needed.some((name) => typeof parameters[name] !== 'string')) return undefined;
  try {
    return (path === '/initial' ? initial : followup)(parameters as Record<string, string>, received);
  } catch (error) {
    assert.ok(error instanceof Reject, line);
    return undefined;
  }
}

test('exactly the share that is asked for is invalid, and the rest is taken', () => {
  assertProperty(
    property(nat(300), double({ min: 0, max: 1, noNaN: true }), nat(), (count, share, seed) => {
      const refused = linesOf(count, share, seed).filter((line) => taken(line) === undefined);
      assert.equal(refused.length, Math.round(count * share));
    }),
    { numRuns: 60 },
  );
});

test('each way of being invalid is refused', () => {
  const request = { path: '/initial', uuid: uuidOf(12), symbol: 'e' } as const;
  assertProperty(
    property(constantFrom(...badUuids, ...badSymbols), (spoil) => {
      assert.equal(taken(JSON.stringify(spoil(request))), undefined, JSON.stringify(spoil(request)));
    }),
  );
});

test('the same seed gives the same, another one something else', () => {
  assert.deepEqual(linesOf(1000, 0.1, 'a'), linesOf(1000, 0.1, 'a'));
  assert.notDeepEqual(linesOf(10, 0, 'a'), linesOf(10, 0, 'b'));
});

const times = (kind: string) => (client: readonly Signal[]) => client.filter((one) => one.kind === kind).length;

function within(low: number, value: number, high: number): void {
  assert.ok(value > low && value < high, String(value));
}

test('about four clients in ten come back, some before they ask, and a few do either several times', () => {
  const signals = linesOf(40_000, 0, 1).map((line) => taken(line) as Signal);
  const clients = [...Map.groupBy(signals, ({ uuid }) => uuid).values()].slice(0, -100); // the last ones are cut off
  const share = (holds: (client: readonly Signal[]) => boolean): number =>
    clients.filter(holds).length / clients.length;
  within(
    0.37,
    share((client) => times('followup')(client) > 0),
    0.43,
  );
  within(
    0.03,
    share((client) => times('initial')(client) > 1),
    0.07,
  );
  within(
    0.01,
    share((client) => times('followup')(client) > 1),
    0.04,
  );
  within(
    0.02,
    share((client) => client[0]?.kind === 'followup'),
    0.06,
  );
  assert.equal(share((client) => times('initial')(client) === 0) < 0.001, true);
  const symbols = new Set(signals.map(({ symbol }) => symbol));
  assert.equal(symbols.size, 27); // and none, of followups
});

test('a count or a share that is none is refused', () => {
  for (const [count, share] of [
    [-1, 0],
    [1.5, 0],
    [1, -0.1],
    [1, 1.1],
    [1, Number.NaN],
  ] as const)
    assert.throws(() => generateSignals({ count, invalidShare: share, seed: 1 }), RangeError);
});
