/** Of a system with files, as an aligned table, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { goalText, megabytes, ratio, right, whole } from '../cells.ts';
import type { FilesResult, FilesWay } from './files.ts';

export function filesTable({ files, ways, goalRssBytes }: FilesResult, width: number | undefined): string {
  const lines = ways.map((way) => [
    way.name,
    whole(way.filesPerSecond),
    way.cpuMicros.toFixed(1),
    way.ratio === undefined ? '' : ratio(way.ratio),
    goalText(way.ratio ?? 0, way.goal),
    megabytes(way.peakRssBytes),
    megabytes(way.anonBytes),
    memoryGoal(way, goalRssBytes),
  ]);
  const titles = ['files/s', 'CPU us', 'of reading', 'goal', 'peak RSS', 'its own', 'goal'];
  const columns = [{ title: 'way' }, ...titles.map(right)];
  return `Files, ${whole(files)} in one directory, an event each\n${renderTable(columns, lines, width)}`;
}

function memoryGoal({ peakRssBytes, goal }: FilesWay, goalRssBytes: number): string {
  if (goal === undefined || peakRssBytes === undefined) return '';
  return `${peakRssBytes <= goalRssBytes ? 'met' : 'MISSED'} <= ${megabytes(goalRssBytes)}`;
}
