/** Where a pipeline takes events. */
import { Fault } from '../errors.ts';
import type { HttpSource, Pipeline } from './pipeline.ts';

export function sourcePaths({ source }: Pipeline): readonly string[] {
  return source.kind === 'http' ? [source.path] : source.endpoints.map(({ path }) => path);
}

/** @throws Fault USAGE for a pipeline that takes no packages */
export function packageSource({ name, source }: Pipeline): HttpSource {
  if (source.kind === 'http') return source;
  throw new Fault('USAGE', `${name} takes no packages: each request is one event`);
}
