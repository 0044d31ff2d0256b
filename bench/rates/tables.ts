/** Of a system with prices, as aligned tables, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { goalText, megabytes, ratio, right, whole } from '../cells.ts';
import type { BatchesResult } from './batches.ts';
import type { TableMeasured, Way } from './measure-table.ts';
import type { ReaderMeasured, ReadsResult } from './reads.ts';

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

export function readsTable(result: ReadsResult, width: number | undefined): string {
  const { prices, connections, reader, yardstick, tool } = result;
  const lines = [
    ['GET /rates', ...readerCells(reader), ratio(result.ratio), goalText(result.ratio, result.goal)],
    [tool, ...readerCells(yardstick), '', ''],
  ];
  const titles = ['a second', 'p50 ms', 'p99 ms', 'program us', 'PostgreSQL us', 'ratio', 'goal'];
  const table = renderTable([{ title: 'reader' }, ...titles.map(right)], lines, width);
  const title = `Reads of a month of a pair of regions, of ${whole(prices)} prices, ${connections} connections`;
  return `${title}\n${table}\nPeak RSS of the program ${megabytes(result.peakRssBytes)}`;
}

function readerCells({ perSecond, p50Ms, p99Ms, programMicros, postgresMicros }: ReaderMeasured): string[] {
  return [whole(perSecond), p50Ms.toFixed(1), p99Ms.toFixed(1), programMicros.toFixed(0), postgresMicros.toFixed(0)];
}
