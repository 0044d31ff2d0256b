/** Readers in a process of their own: over HTTP, and by a client of PostgreSQL. Each connection asks one question after the other. */
import { createHistogram } from 'node:perf_hooks';
import { Client } from 'pg';
import { answerParent } from '../child.ts';
import { Connection } from '../requests/connection.ts';
import { getRequest } from '../requests/prebuilt.ts';
import type { Asked, Question } from './asked-rates.ts';
import type { ReadTurn } from './reads.ts';

interface Reading {
  readonly connections: number;
  readonly seconds: number;
  readonly asked: readonly Asked[];
}

async function overHttp({ url, ...reading }: Reading & { readonly url: string }): Promise<ReadTurn> {
  const port = Number(new URL(url).port);
  const requests = reading.asked.map((one) => getRequest(`/rates?${new URLSearchParams({ ...one }).toString()}`));
  return read(reading, () => httpReader(port, requests));
}

/** Asks the question of that number. */
interface Reader {
  readonly ask: (number: number) => Promise<void>;
  readonly close: () => Promise<void> | void;
}

async function httpReader(port: number, requests: readonly Buffer[]): Promise<Reader> {
  let settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  const connection = new Connection({
    port,
    onAnswer: (status) => {
      if (status === 200) settle?.resolve();
      else settle?.reject(new Error(`a read was answered with ${status}`));
    },
    onError: (error) => settle?.reject(error),
  });
  return {
    ask: (number) =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
        connection.send(requests[number % requests.length] as Buffer);
      }),
    close: () => connection.close(),
  };
}

async function byClient({
  url,
  statement,
  parameters,
  ...reading
}: Reading & Question & { readonly url: string }): Promise<ReadTurn> {
  return read(reading, async () => {
    const client = new Client(url);
    await client.connect();
    return {
      ask: async (number) => {
        const one = reading.asked[number % reading.asked.length] as Asked;
        await client.query({ name: 'rates', text: statement, values: parameters.map((key) => one[key]) });
      },
      close: () => client.end(),
    };
  });
}

async function read({ connections, seconds }: Reading, open: () => Promise<Reader>): Promise<ReadTurn> {
  const readers = await Promise.all(Array.from({ length: connections }, open));
  const latencies = createHistogram();
  const startedMs = performance.now();
  let next = 0;
  const run = async ({ ask }: Reader): Promise<void> => {
    for (let nowMs = performance.now(); nowMs - startedMs < seconds * 1000;) {
      const askedMs = nowMs;
      await ask(next++);
      nowMs = performance.now();
      latencies.record(Math.max(1, Math.round((nowMs - askedMs) * 1000)));
    }
  };
  await Promise.all(readers.map(run));
  const taken = (performance.now() - startedMs) / 1000;
  for (const { close } of readers) await close();
  const { count } = latencies;
  return {
    answered: count,
    seconds: taken,
    p50Ms: latencies.percentile(50) / 1000,
    p99Ms: latencies.percentile(99) / 1000,
  };
}

const methods = { overHttp, byClient };
export type ReadMethods = typeof methods;
answerParent(methods);
