/** Where a pipeline takes events, and where an app answers. */
import { Fault } from '../errors.ts';
import type { App } from './app.ts';
import type { FileSource, HttpSource, Pipeline, RequestSource } from './pipeline.ts';

export function sourcePaths({ source }: Pipeline): readonly string[] {
  if (source.kind === 'files') return [];
  return source.kind === 'http' ? [source.path] : source.endpoints.map(({ path }) => path);
}

/** What takes a key where the server is guarded. */
export function keyedPaths({ pipeline, bulk, routes = [] }: App): readonly string[] {
  const keyed = routes.filter(({ kind }) => kind !== 'page').map(({ path }) => path);
  return [...(pipeline ? sourcePaths(pipeline) : []), ...(bulk ? [bulk.path] : []), ...keyed];
}

/** @throws Fault USAGE for a pipeline that takes no packages */
export function packageSource({ name, source }: Pipeline): HttpSource {
  if (source.kind === 'http') return source;
  throw new Fault('USAGE', `${name} takes no packages over HTTP: ${isTaken[source.kind]}`);
}

const isTaken = { requests: 'each request is one event', files: 'it takes files' } as const;

/** @throws Fault USAGE for a pipeline that takes packages */
export function requestSource({ name, source }: Pipeline): RequestSource<unknown> {
  if (source.kind === 'requests') return source;
  throw new Fault('USAGE', `${name} takes no requests of one event: ${isTakenWhole[source.kind]}`);
}

const isTakenWhole = { http: 'a request holds any number of events', files: 'it takes files' } as const;

/** @throws Fault USAGE for a pipeline that takes no files */
export function fileSource({ name, source }: Pipeline): FileSource {
  if (source.kind === 'files') return source;
  throw new Fault('USAGE', `${name} takes no files`);
}
