/**
 * A server under load, in a process of its own. `durable`: the program's parts without processors. `no-log`: the same with a
 * log that keeps nothing. `bare`: node:http that reads the body and answers 200.
 */
import '../../src/cli/runtime.ts'; // first: as the program has it
import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createServer, type Health } from '../../src/api/server.ts';
import { mountHttpSource } from '../../src/sources/http/http-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { answerParent } from '../child.ts';
import { type BenchSettings, openBenchEngine, openIngest } from '../parts.ts';
import { createNullLog } from './null-log.ts';

export type Variant = 'durable' | 'no-log' | 'bare';

interface StartOptions {
  readonly variant: Variant;
  readonly system: string;
  readonly dataDir: string;
  /** Default: all is embedded. */
  readonly env?: BenchSettings | undefined;
}

let loopBefore = performance.eventLoopUtilization();
let emptyLog = (): Promise<void> => Promise.resolve();

async function start(options: StartOptions): Promise<string> {
  const server = options.variant === 'bare' ? await startBare() : await startIngest(options);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function startIngest({ variant, system, dataDir, env }: StartOptions): Promise<Server> {
  const parts = await openBenchEngine(system, dataDir, env);
  const { config, engine } = parts;
  const ingest = await openIngest(parts, variant === 'durable' ? engine.log : createNullLog());
  const logger = createLogger({ level: 'error' });
  const metrics = createMetrics();
  const app = createServer({ logger, metrics: metrics.registry, health: alwaysReady });
  mountHttpSource(app, { ingest, bodyIdleTimeoutMs: config.ingest.bodyIdleTimeoutMs, logger, metrics });
  await app.listen({ port: 0, host: '127.0.0.1' });
  emptyLog = () => engine.log.retain({ maxBytes: 1 }, []);
  return app.server;
}

const alwaysReady = (): Promise<Health> => Promise.resolve({ ready: true, parts: {} });

async function startBare(): Promise<Server> {
  const answer = JSON.stringify({
    packageId: '00000000-0000-8000-8000-000000000000',
    accepted: 1,
    rejected: 0,
    errors: [],
  });
  const server = createHttpServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.end(answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Removes what earlier rounds left in the log, so that the disk does not fill. */
async function beginRound(): Promise<void> {
  await emptyLog();
  loopBefore = performance.eventLoopUtilization();
}

/** The share of the time in which the main thread was at work: far below 1, the load was too small to tell. */
function endRound(): number {
  return performance.eventLoopUtilization(loopBefore).utilization;
}

const methods = { start, beginRound, endRound };
export type ServerMethods = typeof methods;
answerParent(methods);
