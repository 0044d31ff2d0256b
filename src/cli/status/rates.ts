/** What has changed between two looks at the same server or files, each second. */
import type { Status } from './read-status.ts';

export interface Rates {
  /** Events a second, accepted and rejected, by pipeline. */
  readonly received: ReadonlyMap<string, number>;
  /** Records a second that have landed, by `placeOf`. */
  readonly landed: ReadonlyMap<string, number>;
}

/** None where the server is another than before, or was restarted. */
export function ratesBetween(before: Status | undefined, now: Status): Rates | undefined {
  if (before === undefined || before.of !== now.of || before.isRunning !== now.isRunning) return undefined;
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return undefined;
  return {
    received: growth(receivedOf(before), receivedOf(now), seconds),
    landed: growth(landedOf(before), landedOf(now), seconds),
  };
}

export function placeOf({ consumer, topic, partition }: Status['lag'][number]): string {
  return JSON.stringify([consumer, topic, partition]);
}

function receivedOf({ events = [] }: Status): ReadonlyMap<string, number> {
  return new Map(events.map(({ pipeline, ingested, rejected }) => [pipeline, ingested + rejected]));
}

function landedOf({ lag }: Status): ReadonlyMap<string, number> {
  return new Map(lag.map((row) => [placeOf(row), row.committed]));
}

function growth(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  seconds: number,
): ReadonlyMap<string, number> {
  return new Map([...now].map(([name, count]) => [name, Math.max(0, count - (before.get(name) ?? count)) / seconds]));
}
