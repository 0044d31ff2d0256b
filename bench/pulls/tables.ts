/** Of a system with pulls, as an aligned table, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { goalText, megabytes, ratio, right, whole } from '../cells.ts';
import type { PulledApi, PullsResult } from './pulls.ts';

export function pullsTable({ apis }: PullsResult, width: number | undefined): string {
  return apis.map((api) => apiTable(api, width)).join('\n\n');
}

function apiTable({ name, items, ways }: PulledApi, width: number | undefined): string {
  const lines = ways.map(({ name: way, itemsPerSecond, cpuMicros, peakRssBytes, ofLoop, cpuOfLoop, goal }) => [
    way,
    whole(itemsPerSecond),
    ofLoop === undefined ? '' : ratio(ofLoop),
    goalText(ofLoop ?? 0, goal),
    cpuMicros.toFixed(1),
    cpuOfLoop === undefined ? '' : ratio(cpuOfLoop),
    megabytes(peakRssBytes),
  ]);
  const titles = ['items/s', 'of the loop', 'goal', 'CPU us', "loop's of it", 'peak RSS'];
  return `Pulls, ${whole(items)} items of an API ${name}\n${renderTable([{ title: 'way' }, ...titles.map(right)], lines, width)}`;
}
