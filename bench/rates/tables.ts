/** Of a system with prices, as aligned tables, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { megabytes, ratio, right, whole } from '../cells.ts';
import type { BatchesResult } from './batches.ts';
import type { TableMeasured, Way } from './measure-table.ts';

export function batchesTable(result: BatchesResult, width: number | undefined): string {
  const { tables, yardstick, peakRssBytes, goalBytes } = result;
  const lines = tables.flatMap((table) =>
    table.ways.map((way, i) => [...(i === 0 ? sizeCells(table) : ['', '']), ...wayCells(way, table.rows)]),
  );
  const titles = ['p50 s', 'slowest', 'rows/s', 'program us', 'PostgreSQL us', 'batch is', 'goal'];
  const columns = [right('prices'), { title: 'index' }, { title: 'way' }, ...titles.map(right)];
  const goal = peakRssBytes === undefined || peakRssBytes <= goalBytes ? 'met' : 'MISSED';
  const memory = `Peak RSS of the program ${megabytes(peakRssBytes)} (${goal} <= ${megabytes(goalBytes)})`;
  return `Batches; copy is ${yardstick}; us: processor time a row\n${renderTable(columns, lines, width)}\n${memory}`;
}

function sizeCells({ rows, hasIndex }: TableMeasured): string[] {
  return [whole(rows), hasIndex ? 'yes' : 'no'];
}

function wayCells({ name, p50Seconds, slowestSeconds, batchIs, goal, met, ...way }: Way, rows: number): string[] {
  return [
    name,
    p50Seconds.toFixed(2),
    slowestSeconds.toFixed(2),
    whole(rows / p50Seconds),
    way.programMicros?.toFixed(1) ?? '',
    way.postgresMicros.toFixed(1),
    batchIs === undefined ? '' : ratio(batchIs),
    goal === undefined ? '' : `${met ? 'met' : 'MISSED'} <= ${ratio(goal)}`,
  ];
}
