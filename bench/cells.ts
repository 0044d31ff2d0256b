/** What stands in the cells of the tables. */
import type { Measured } from './ingest/contestant.ts';

export const right = (title: string) => ({ title, align: 'right' }) as const;

export function cells({ eventsPerSecond, p50Ms, p99Ms, peakRssBytes, busy }: Measured): string[] {
  return [
    whole(eventsPerSecond),
    p50Ms.toFixed(1),
    p99Ms.toFixed(1),
    megabytes(peakRssBytes),
    busy === undefined ? '' : `${Math.round(busy * 100)}%`,
  ];
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function ratio(value: number): string {
  return value.toFixed(2);
}

export function goalText(value: number, goal: number | undefined): string {
  return goal === undefined ? '' : `${value >= goal ? 'met' : 'MISSED'} >= ${goal}`;
}

export function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '' : `${Math.round(bytes / 1024 / 1024)} MB`;
}
