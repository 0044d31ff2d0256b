/** Load on a server, in a process of its own: each connection sends one package again and again, as fast as it is answered. */
import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';
import { answerParent } from '../child.ts';
import { generatePackages } from '../generated-packages.ts';
import { packageSource } from '../../src/pipeline/source-paths.ts';
import { benchConfig, loadApp } from '../parts.ts';

export interface LoadOptions {
  readonly url: string;
  readonly system: string;
  readonly eventsAPackage: number;
  readonly connections: number;
  /** Seconds, or a number of packages. */
  readonly until: { readonly seconds: number } | { readonly packages: number };
}

export interface LoadResult {
  readonly seconds: number;
  /** Answered with 200. */
  readonly packages: number;
  /** Answered otherwise, or not at all. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const kept = { key: '', path: '', packages: [] as string[] };

async function packagesOf(system: string, connections: number, eventsAPackage: number): Promise<typeof kept> {
  const key = `${system} ${connections} ${eventsAPackage}`;
  if (kept.key === key) return kept;
  const app = await loadApp(benchConfig(system, '.'));
  const { path } = packageSource(app.pipeline);
  return Object.assign(kept, { key, path, packages: generatePackages(app, connections, eventsAPackage) });
}

async function load(options: LoadOptions): Promise<LoadResult> {
  const { url, system, eventsAPackage, connections, until } = options;
  const { path, packages } = await packagesOf(system, connections, eventsAPackage);
  let next = 0;
  return fire({
    url: url + path,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections,
    timeout: 60,
    ...('seconds' in until ? { duration: until.seconds } : { amount: until.packages }),
    sampleInt: 100, // how soon it notices that it is done
    setupClient: (client) => client.setBody(packages[next++ % connections]),
  });
}

async function fire(options: autocannon.Options): Promise<LoadResult> {
  const latencies = createHistogram();
  let answered = 0;
  let refused = 0;
  const startedMs = performance.now();
  let lastMs = startedMs;
  const { promise, resolve, reject } = Promise.withResolvers<autocannon.Result>();
  const running = autocannon(options, (error: Error | null, result) => (error ? reject(error) : resolve(result)));
  running.on('response', (_client, status, _bytes, ms) => {
    if (status === 200) answered += 1;
    else refused += 1;
    latencies.record(Math.max(1, Math.round(ms * 1000)));
    lastMs = performance.now();
  });
  const { errors } = await promise;
  return {
    seconds: (lastMs - startedMs) / 1000,
    packages: answered,
    failed: refused + errors,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
  };
}

const methods = { load };
export type LoadMethods = typeof methods;
answerParent(methods);
