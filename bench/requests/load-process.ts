/**
 * Load on a server, in a process of its own: each connection sends one request after the other, as fast as they are answered, and where it is
 * wanted one more reads dashboards at a steady pace. A client in Node costs about as much as the server: so sockets, and prebuilt bytes.
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { answerParent } from '../child.ts';
import { Connection } from './connection.ts';
import { getRequest, PrebuiltRequest } from './prebuilt.ts';

export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  readonly connections: number;
  readonly until: Until;
  /** Uuids are numbered from here. */
  readonly firstUuid: number;
  /** Beside it, in turn; none: no reads. */
  readonly readPaths: readonly string[];
}

/** Seconds, or a number of requests. */
export type Until = { readonly seconds: number } | { readonly requests: number };

export interface LoadResult {
  readonly seconds: number;
  /** Answered with 200. */
  readonly answered: number;
  /** Answered otherwise, or not at all, reads included. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly reads: Latencies | undefined;
}

export interface Latencies {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const readEveryMs = 10;

async function load(options: LoadOptions): Promise<LoadResult> {
  const reading = new Reading(options);
  const startedMs = performance.now();
  const { answered, failed, lastMs, latencies } = await write(options, startedMs);
  const reads = reading.end();
  return {
    seconds: (lastMs - startedMs) / 1000,
    answered,
    failed: failed + reading.failed,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
    reads,
  };
}

interface Written {
  readonly answered: number;
  readonly failed: number;
  readonly lastMs: number;
  readonly latencies: RecordableHistogram;
}

function write({ url, path, connections, until, firstUuid }: LoadOptions, startedMs: number): Promise<Written> {
  const port = Number(new URL(url).port);
  const endMs = 'seconds' in until ? startedMs + until.seconds * 1000 : Infinity;
  const limit = 'requests' in until ? until.requests : Infinity;
  const written = { answered: 0, failed: 0, lastMs: startedMs, latencies: createHistogram() };
  const { promise, resolve } = Promise.withResolvers<Written>();
  let sent = 0;
  let open = connections;
  for (let nth = 0; nth < connections; nth++) {
    const request = new PrebuiltRequest(path, nth);
    const next = (): void => {
      if (sent < limit && performance.now() < endMs) return connection.send(request.withUuid(firstUuid + sent++));
      connection.close();
      if (--open === 0) resolve(written);
    };
    const connection = new Connection({
      port,
      onAnswer: (status, ms) => {
        if (status === 200) written.answered += 1;
        else written.failed += 1;
        record(written.latencies, ms);
        written.lastMs = performance.now();
        next();
      },
      onError: () => {
        written.failed += 1;
        if (--open === 0) resolve(written);
      },
    });
    next();
  }
  return promise;
}

/** One read every ten milliseconds, as of some dashboards that are open. */
class Reading {
  failed = 0;
  readonly #latencies = createHistogram();
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #connection: Connection | undefined;

  constructor({ url, readPaths }: LoadOptions) {
    if (readPaths.length === 0) return;
    const requests = readPaths.map(getRequest);
    let next = 0;
    const connection = new Connection({
      port: Number(new URL(url).port),
      onAnswer: (status, ms) => {
        if (status !== 200) this.failed += 1;
        record(this.#latencies, ms);
      },
      onError: () => (this.failed += 1),
    });
    this.#connection = connection;
    this.#timer = setInterval(() => {
      if (!connection.isBusy) connection.send(requests[next++ % requests.length] as Buffer);
    }, readEveryMs);
  }

  end(): Latencies | undefined {
    clearInterval(this.#timer);
    this.#connection?.close();
    return this.#connection && latenciesOf(this.#latencies);
  }
}

/** One read after the other on one connection. */
async function read({ url, path, count }: ReadOptions): Promise<Latencies> {
  const latencies = createHistogram();
  const request = getRequest(path);
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  let left = count;
  const connection = new Connection({
    port: Number(new URL(url).port),
    onAnswer: (status, ms) => {
      if (status !== 200) return reject(new Error(`${path} was answered with ${status}`));
      record(latencies, ms);
      if (--left === 0) resolve(undefined);
      else connection.send(request);
    },
    onError: reject,
  });
  connection.send(request);
  await promise;
  connection.close();
  return latenciesOf(latencies);
}

export interface ReadOptions {
  readonly url: string;
  readonly path: string;
  readonly count: number;
}

function record(latencies: RecordableHistogram, ms: number): void {
  latencies.record(Math.max(1, Math.round(ms * 1000)));
}

function latenciesOf(latencies: RecordableHistogram): Latencies {
  return {
    count: latencies.count,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
  };
}

const methods = { load, read };
export type LoadMethods = typeof methods;
answerParent(methods);
