/** A result as aligned tables, for people. */
import { renderTable } from '../src/cli/table.ts';
import type { BenchResult } from './bench.ts';
import { clusterIngestTable, clusterLandingTable, nodesTable } from './cluster/tables.ts';
import { filesTable } from './files/tables.ts';
import { pullsTable } from './pulls/tables.ts';
import { cells, goalText, megabytes, ratio, right, whole } from './cells.ts';
import type { IngestResult } from './ingest/ingest.ts';
import type { LandingResult } from './landing/landing.ts';
import type { MemoryResult, MemorySample } from './memory/memory.ts';
import { modelsTable } from './models/tables.ts';
import { batchesTable, readsTable } from './rates/tables.ts';
import { requestsTable, viewsTable } from './requests/tables.ts';

/** @param width columns of the terminal */
export function asTables(result: BenchResult, width: number | undefined): string {
  const { machine, quick } = result;
  const head = `${machine.cpus} CPUs, ${machine.platform}, Node ${machine.node}${quick ? ', quick: the numbers mean nothing' : ''}`;
  return [head, ...sectionsOf(result, width).filter((section) => section !== undefined)].join('\n\n');
}

function sectionsOf(result: BenchResult, width: number | undefined): readonly (string | undefined)[] {
  if ('requests' in result) {
    const { requests, views } = result;
    return [requests && requestsTable(requests, width), views && viewsTable(views, width)];
  }
  if ('batches' in result) {
    const { batches, reads } = result;
    return [batches && batchesTable(batches, width), reads && readsTable(reads, width)];
  }
  if ('files' in result) return [result.files && filesTable(result.files, width)];
  if ('models' in result) {
    const { ingest, pulls, models } = result;
    return [
      ingest && ingestTable(ingest, width),
      pulls && pullsTable(pulls, width),
      models && modelsTable(models, width),
    ];
  }
  if (result.engine === 'cluster') {
    const { ingest, landing, nodes } = result;
    return [
      ingest && clusterIngestTable(ingest, width),
      landing && clusterLandingTable(landing, width),
      nodes && nodesTable(nodes, width),
    ];
  }
  const { ingest, landing, memory } = result;
  return [
    ingest && ingestTable(ingest, width),
    landing && landingTable(landing, width),
    memory && memoryTable(memory, width),
  ];
}

function ingestTable({ connections, rows, fullProgram }: IngestResult, width: number | undefined): string {
  const lines = rows.flatMap(({ eventsAPackage, variants, ofNoLog, ofBare, goal }) => [
    [String(eventsAPackage), 'durable', ...cells(variants.durable), '', ''],
    ['', 'same, no log', ...cells(variants['no-log']), ratio(ofNoLog), goalText(ofNoLog, goal)],
    ['', 'bare node:http', ...cells(variants.bare), ratio(ofBare), ''],
  ]);
  if (fullProgram) lines.push([String(fullProgram.eventsAPackage), 'whole program', ...cells(fullProgram), '', '']);
  const columns = [
    right('events a package'),
    { title: 'server' },
    ...['events/s', 'p50 ms', 'p99 ms', 'peak RSS', 'busy', 'durable is', 'goal'].map(right),
  ];
  return `Ingest, ${connections} connections\n${renderTable(columns, lines, width)}`;
}

function landingTable(result: LandingResult, width: number | undefined): string {
  const lines = [
    ['log to table and objects', whole(result.landedPerSecond), megabytes(result.peakRssBytes), '', ''],
    [result.yardstick, whole(result.copiedPerSecond), '', ratio(result.ratio), goalText(result.ratio, result.goal)],
  ];
  const columns = [{ title: 'way' }, ...['rows/s', 'peak RSS', 'landing is', 'goal'].map(right)];
  return `Landing, ${whole(result.rows)} rows\n${renderTable(columns, lines, width)}`;
}

const shownSamples = 8;

function memoryTable(result: MemoryResult, width: number | undefined): string {
  const { samples } = result;
  const shown = samples.filter(
    (_, i) => i % Math.ceil(samples.length / shownSamples) === 0 || i === samples.length - 1,
  );
  const goal = `${result.met ? 'met' : 'MISSED'} <= ${megabytes(result.goalBytes)}`;
  const lines = [
    ...shown.map(sampleCells),
    ['peak', megabytes(result.peakRssBytes), megabytes(result.peakAnonBytes), goal],
  ];
  const table = renderTable(['seconds', 'RSS', 'RssAnon', 'goal'].map(right), lines, width);
  const lost = result.events - result.landed;
  const landed = `${whole(result.landed)} of ${whole(result.events)} landed in ${result.landSeconds.toFixed(1)} s after that${lost === 0 ? '' : `: ${lost} MISSING`}`;
  const rate = `${whole(result.eventsPerSecond)} events/s, ${result.failedPackages} packages failed`;
  return `Memory while PostgreSQL stands still: ${rate}\n${table}\n${landed}; peak RSS with that ${megabytes(result.peakRssWithLandingBytes)}`;
}

function sampleCells({ seconds, rssBytes, anonBytes }: MemorySample): string[] {
  return [seconds.toFixed(1), megabytes(rssBytes), megabytes(anonBytes), ''];
}
