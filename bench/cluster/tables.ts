/** The parts of a cluster as aligned tables, for people. */
import { renderTable } from '../../src/cli/table.ts';
import { cells, goalText, megabytes, ratio, right, whole } from '../cells.ts';
import type { ClusterIngestResult } from './ingest/ingest.ts';
import type { ClusterLandingResult } from './landing.ts';
import type { NodesMeasured, NodesResult } from './nodes.ts';

export function clusterIngestTable({ connections, rows }: ClusterIngestResult, width: number | undefined): string {
  const lines = rows.flatMap(({ eventsAPackage, writers, ofClient, goal, ...ratios }) => [
    [String(eventsAPackage), 'HTTP to log', ...cells(writers.http), '', ''],
    ['', 'log', ...cells(writers.log), '', ''],
    ['', 'same, no transactions', ...cells(writers.untransacted), ratio(ratios.ofUntransacted), ''],
    ['', "client's producer", ...cells(writers.client), ratio(ofClient), goalText(ofClient, goal)],
    ['', '', ...Array.from({ length: 5 }, () => ''), ratio(ratios.httpOfClient), 'by HTTP'],
    ['', 'same, transactions', ...cells(writers['client-transactions']), ratio(ratios.ofClientTransactions), ''],
  ]);
  const columns = [
    right('events a package'),
    { title: 'writer' },
    ...['events/s', 'p50 ms', 'p99 ms', 'peak RSS', 'busy', 'log is', 'goal'].map(right),
  ];
  return `Ingest to Kafka, ${connections} at once\n${renderTable(columns, lines, width)}`;
}

export function clusterLandingTable(result: ClusterLandingResult, width: number | undefined): string {
  const { landedPerSecond, peakRssBytes, copiedPerSecond, readPerSecond, goal } = result;
  const lines = [
    ['Kafka to PostgreSQL and S3', whole(landedPerSecond), megabytes(peakRssBytes), '', ''],
    [result.yardstick, whole(copiedPerSecond), '', ratio(result.ratio), goalText(result.ratio, goal)],
    ['reading Kafka alone', whole(readPerSecond), '', ratio(result.ofReading), ''],
  ];
  const columns = [{ title: 'way' }, ...['rows/s', 'peak RSS', 'landing is', 'goal'].map(right)];
  return `Landing, ${whole(result.rows)} rows\n${renderTable(columns, lines, width)}`;
}

export function nodesTable({ one, two, ...result }: NodesResult, width: number | undefined): string {
  const goal = `${result.met ? 'met' : 'MISSED'} <= ${result.goal}`;
  const lines = [
    ['one', ...nodesCells(one), '', ''],
    ['two', ...nodesCells(two), ratio(result.ratio), goal],
  ];
  const titles = ['CPU s a million', 'smallest share', 'events/s', 'refused', 'of one', 'goal'];
  const table = renderTable([{ title: 'nodes' }, ...titles.map(right)], lines, width);
  return `Processor time of nodes, ${whole(result.events)} events over HTTP, landed\n${table}`;
}

function nodesCells({ cpuSecondsAMillion, smallestShare, eventsPerSecond, failed }: NodesMeasured): string[] {
  return [cpuSecondsAMillion.toFixed(1), `${Math.round(smallestShare * 100)}%`, whole(eventsPerSecond), whole(failed)];
}
