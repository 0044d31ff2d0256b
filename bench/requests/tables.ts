/** Of a system that takes requests, as aligned tables, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { goalText, megabytes, ratio, right, whole } from '../cells.ts';
import type { RequestsResult, RequestsRowServer } from './requests.ts';
import type { ViewsResult } from './views.ts';

export function requestsTable({ connections, rows }: RequestsResult, width: number | undefined): string {
  const lines = rows.flatMap(({ path, withReads, servers }) =>
    servers.map((server, i) => [i === 0 ? path : i === 1 && withReads ? 'with reads' : '', ...serverCells(server)]),
  );
  const titles = [
    'requests/s',
    'p50 ms',
    'p99 ms',
    'peak RSS',
    'CPU us',
    'of nothing',
    'goal',
    'reads p50',
    'reads p99',
  ];
  const columns = [{ title: '' }, { title: 'server' }, ...titles.map(right)];
  return `Requests, ${connections} connections\n${renderTable(columns, lines, width)}`;
}

function serverCells({ name, reads, ofNothing, goal, ...measured }: RequestsRowServer): string[] {
  return [
    name,
    whole(measured.requestsPerSecond),
    measured.p50Ms.toFixed(1),
    measured.p99Ms.toFixed(1),
    megabytes(measured.peakRssBytes),
    measured.cpuMicros?.toFixed(0) ?? '',
    ofNothing === undefined ? '' : ratio(ofNothing),
    ofNothing === undefined ? '' : goalText(ofNothing, goal),
    reads === undefined ? '' : reads.p50Ms.toFixed(1),
    reads === undefined ? '' : reads.p99Ms.toFixed(1),
  ];
}

export function viewsTable({ events, measures, peakRssBytes }: ViewsResult, width: number | undefined): string {
  const lines = measures.map(({ name, value, unit, goal, isAtLeast, met, note }) => [
    name,
    unit === 'ms' ? value.toFixed(2) : whole(value),
    unit,
    goal === undefined ? '' : `${met ? 'met' : 'MISSED'} ${isAtLeast ? '>=' : '<'} ${whole(goal)}`,
    note,
  ]);
  const columns = [{ title: 'view' }, right(''), { title: '' }, right('goal'), { title: '' }];
  const title = `Views over ${whole(events)} events, peak RSS ${megabytes(peakRssBytes)}`;
  return `${title}\n${renderTable(columns, lines, width)}`;
}
