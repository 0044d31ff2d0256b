/**
 * The program's server with its sources alone, guarded as the program's is, in a process of its own: no processors, no views. `nothing`: its
 * log keeps nothing, which is the upper bound. `log`: the embedded one.
 */
import '../../src/cli/runtime.ts'; // first: as the program has it
import type { AddressInfo } from 'node:net';
import { openAccess } from '../../src/access/open-access.ts';
import { guard } from '../../src/api/guard.ts';
import { createServer, type Health } from '../../src/api/server.ts';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { createMicrosecondClock } from '../../src/event/microsecond-clock.ts';
import { mountRequestSource } from '../../src/sources/http/request-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { answerParent } from '../child.ts';
import { createNullLog } from '../ingest/null-log.ts';
import { openBenchEngine, openEventIngest } from '../parts.ts';

export interface StartOptions {
  readonly log: 'nothing' | 'embedded';
  readonly system: string;
  readonly dataDir: string;
}

const alwaysReady = (): Promise<Health> => Promise.resolve({ ready: true, parts: {} });

/** Answers its URL. */
async function start({ log, system, dataDir }: StartOptions): Promise<string> {
  const parts = await openBenchEngine(system, dataDir);
  const { config, engine } = parts;
  const ingest = await openEventIngest(parts, log === 'embedded' ? engine.log : createNullLog());
  const logger = createLogger({ level: 'warn' });
  const metrics = createMetrics();
  const server = createServer({ logger, metrics: metrics.registry, health: alwaysReady });
  const { host, adminToken, adminTokenFile } = config;
  const keysDir = dataPaths(dataDir).keys;
  guard(server, await openAccess({ host, keysDir, adminToken, adminTokenFile, logger }));
  const { bodyIdleTimeoutMs } = config.ingest;
  mountRequestSource(server, { ingest, bodyIdleTimeoutMs, clock: createMicrosecondClock(), logger, metrics });
  await server.listen({ port: 0, host: '127.0.0.1' });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

const methods = { start };
export type ServerMethods = typeof methods;
answerParent(methods);
