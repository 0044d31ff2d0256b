/** The first line says what a file has: requests, where its `path` is an endpoint of a configured system, else events, which go in packages. */
import type { Config } from '../../config/config.ts';
import { loadApps } from '../../engine/load-apps.ts';
import { pipelinesOf } from '../../pipeline/apps.ts';
import { requestTarget } from '../../pipeline/request-line.ts';
import { sourcePaths } from '../../pipeline/source-paths.ts';
import { type PackingOptions, pack } from './packages.ts';
import type { Parcel } from './parcel.ts';
import type { Line } from './read-lines.ts';
import { requestsOf } from './requests.ts';

export interface Parcels {
  readonly kind: 'packages' | 'requests';
  readonly parcels: AsyncGenerator<Parcel>;
}

export async function openParcels(
  lines: AsyncGenerator<readonly Line[]>,
  config: Config,
  packing: PackingOptions,
): Promise<Parcels> {
  const { value: first, done } = await lines.next();
  if (done) return { kind: 'packages', parcels: pack(lines, packing) };
  const all = startingWith(first, lines);
  const paths = await endpointsFor(first[0]?.bytes.toString() ?? '', config);
  if (paths === undefined) return { kind: 'packages', parcels: pack(all, packing) };
  return { kind: 'requests', parcels: requestsOf(all, { paths, onBadLine: packing.onBadLine }) };
}

/** Of the system that takes packages at that path; undefined where it takes them without, or is not known here. */
export async function envelopeAt(path: string, { pipelines }: Config): Promise<string | undefined> {
  const found = pipelinesOf(await loadApps({ pipelines })).find((one) => sourcePaths(one).includes(path));
  return found?.source.kind === 'http' ? found.source.envelope?.events : undefined;
}

/** Undefined where the line is an event. Systems are loaded only where it may be a request, as that takes a moment. */
async function endpointsFor(line: string, config: Config): Promise<ReadonlySet<string> | undefined> {
  if (!line.includes('"path"')) return undefined;
  const apps = await loadApps({ pipelines: config.pipelines });
  const paths = new Set(
    pipelinesOf(apps).flatMap((pipeline) => (pipeline.source.kind === 'requests' ? sourcePaths(pipeline) : [])),
  );
  return requestTarget(line, paths) === undefined ? undefined : paths;
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}
