/** The status as one table, a part a line, and as JSON. */
import { byteSize } from '../byte-size.ts';
import { duration } from '../duration.ts';
import { renderTable } from '../table.ts';
import { placeOf, type Rates } from './rates.ts';
import type { Status } from './read-status.ts';

const columns = [
  { title: 'part' },
  { title: 'is' },
  ...['lag', 'behind', 'events/s'].map((title) => ({ title, align: 'right' as const })),
];

type Row = readonly [part: string, is: string, lag: string, behind: string, perSecond: string];

/** @param maxWidth columns of the terminal */
export function statusTable(status: Status, rates: Rates | undefined, maxWidth?: number): string {
  return renderTable(
    columns,
    [
      ...partsOf(status),
      ...sourcesOf(status, rates),
      ...consumersOf(status, rates),
      ...replaysOf(status),
      ...compactionsOf(status),
    ],
    maxWidth,
  );
}

function partsOf({ of, isRunning, ready, parts = {}, uptimeMs = 0, queue, disk }: Status): readonly Row[] {
  const server = isRunning
    ? `${ready ? 'ready' : 'not ready'}, up ${duration(uptimeMs)}, ${of}`
    : `none runs; this is what the files in ${of} tell`;
  return [
    plain('server', server),
    ...Object.entries(parts).map(([name, is]) => plain(name, is)),
    ...(queue ? [plain('queue', `${byteSize(queue.bytes)} of ${byteSize(queue.maxBytes)}`)] : []),
    plain('disk', `${byteSize(disk.freeBytes)} free of ${byteSize(disk.totalBytes)}`),
  ];
}

function plain(part: string, is: string): Row {
  return [part, is, '', '', ''];
}

function sourcesOf({ events = [] }: Status, rates: Rates | undefined): readonly Row[] {
  return events.map(({ pipeline, ingested, rejected }) => [
    `source ${pipeline}`,
    `${ingested} events accepted, ${rejected} rejected`,
    '',
    '',
    perSecond(rates?.received.get(pipeline)),
  ]);
}

function consumersOf({ lag }: Status, rates: Rates | undefined): readonly Row[] {
  return lag.map((row) => [
    row.consumer,
    `at ${row.committed} of ${row.end} in ${row.topic}-${row.partition}`,
    String(row.lag),
    row.isOpening ? 'opening' : row.behindMs === null ? '?' : duration(row.behindMs),
    perSecond(rates?.landed.get(placeOf(row))),
  ]);
}

/** Those that have records left, or have stopped. */
function replaysOf({ lag }: Status): readonly Row[] {
  return lag.flatMap(({ consumer, topic, partition, toReplay, replayStopped }): readonly Row[] => {
    const replay = `replay ${consumer}`;
    if (replayStopped !== undefined) return [plain(replay, `stopped in ${topic}-${partition}: ${replayStopped}`)];
    return toReplay > 0 ? [[replay, `lands again in ${topic}-${partition}`, String(toReplay), '', '']] : [];
  });
}

function compactionsOf({ lag }: Status): readonly Row[] {
  const consumers = new Set(lag.filter(({ isCompacting }) => isCompacting).map(({ consumer }) => consumer));
  return [...consumers].map((consumer) =>
    plain(
      `compaction ${consumer}`,
      'under way, or interrupted: tributary compact ends it, and until then nothing is replayed',
    ),
  );
}

/** Without `atMs`, which means nothing to others. */
export function statusJson({ atMs: _atMs, lag, events, ...rest }: Status, rates: Rates | undefined): object {
  return {
    ...rest,
    ...(events && {
      events: events.map((one) => ({ ...one, perSecond: rounded(rates?.received.get(one.pipeline)) })),
    }),
    lag: lag.map((row) => ({ ...row, perSecond: rounded(rates?.landed.get(placeOf(row))) })),
  };
}

function rounded(rate: number | undefined): number | null {
  return rate === undefined ? null : Math.round(rate * 10) / 10;
}

function perSecond(rate: number | undefined): string {
  if (rate === undefined) return '';
  return rate > 0 && rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}
