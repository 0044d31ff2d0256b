/** Reads the dashboards' view straight from a list of signals, as the contract words it: for tests that need answers and no engine. */
import type { ReadView, Timestamp } from 'tributary';
import type { Initial, Signal } from '../../../apps/signals/signal.ts';

export function readSignals(signals: readonly Signal[]): ReadView {
  const rows = (isIn: (initial: Initial) => boolean): ReadonlyMap<string, unknown> => {
    const initials = signals.filter((one): one is Initial => one.kind === 'initial').filter(isIn);
    const bySymbol = Object.groupBy(initials, ({ symbol }) => symbol);
    const inOrder = Object.entries(bySymbol).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return new Map(inOrder.map(([symbol, ones = []]) => [symbol, rowOf(ones, signals)]));
  };
  const reader = {
    at: async (key: string) => rows(({ symbol }) => symbol === key).get(key) ?? rowOf([], signals),
    all: async () => rows(() => true),
    between: async (lower: string, upper: string) => rows(({ time }) => lower <= time && time < upper),
  };
  return (() => reader) as unknown as ReadView;
}

function rowOf(initials: readonly Initial[], signals: readonly Signal[]) {
  const times = initials.map(({ time }) => time).toSorted();
  const pairs = initials.map(
    ({ uuid }) => signals.filter((one) => one.kind === 'followup' && one.uuid === uuid).length,
  );
  return {
    count: initials.length,
    earliest: times[0] ?? null,
    latest: times.at(-1) ?? null,
    followups: pairs.reduce((sum, one) => sum + one, 0),
  };
}

/** A uuid of version 4 for each number. */
export function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

export function initialOf(symbol: string, time: string, client: number): Initial {
  return { uuid: uuidOf(client), symbol, is_vowel: false, kind: 'initial', time: time as Timestamp };
}

export function followupOf(client: number): Signal {
  const time = '2017-07-01T00:00:00.000000Z' as Timestamp;
  return { uuid: uuidOf(client), symbol: null, is_vowel: null, kind: 'followup', time };
}
