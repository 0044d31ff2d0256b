/** Of models, as an aligned table, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { megabytes, ratio, right, whole } from '../cells.ts';
import type { ModelsResult, ModelsWay } from './models.ts';

export function modelsTable({ runs, missing, sound }: ModelsResult, width: number | undefined): string {
  const lines = runs.flatMap(({ sessions, when, ways }) =>
    ways.map((way, i) => [i === 0 ? whole(sessions) : '', i === 0 ? when : '', ...cellsOf(way)]),
  );
  const titles = ['seconds', 'CPU s', 'peak RSS', 'tributary is', 'goal'];
  const columns = [right('sessions'), { title: 'run' }, { title: 'by' }, ...titles.map(right)];
  const more = [...missing, ...(sound ? [] : ['their tables DIFFER'])].map((line) => `\n${line}`);
  return `Models of the lake\n${renderTable(columns, lines, width)}${more.join('')}`;
}

function cellsOf({ name, seconds, cpuSeconds, peakRssBytes, ratio: of, goal }: ModelsWay): string[] {
  return [
    name,
    seconds.toFixed(2),
    cpuSeconds?.toFixed(2) ?? '',
    megabytes(peakRssBytes),
    of === undefined ? '' : ratio(of),
    goal === undefined ? '' : `${Number(of) <= goal ? 'met' : 'MISSED'} <= ${goal}`,
  ];
}
