/** A server that takes the requests of the polls pipeline (polls.ts), on a real log in a directory of its own; nothing is landed. */
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { TestContext } from 'node:test';
import '../../src/api/guard.ts'; // declares what sources find in a request
import { createServer } from '../../src/api/server.ts';
import { createPackageIds } from '../../src/event/correlation-id.ts';
import { createMicrosecondClock } from '../../src/event/microsecond-clock.ts';
import { Budget } from '../../src/ingest/budget.ts';
import { EventIngest } from '../../src/ingest/event-ingest.ts';
import { Idempotency } from '../../src/ingest/idempotency.ts';
import { idempotencyTopic } from '../../src/ingest/key-view.ts';
import { Patience } from '../../src/ingest/patience.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import type { LogFiles } from '../../src/log/segments/files.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { type FileRegistry, openFileRegistry } from '../../src/schemas/file-registry.ts';
import { mountRequestSource } from '../../src/sources/http/request-source.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.ts';
import { openStateIn } from './ingest-parts.ts';
import { pipeline as polls, schema, subject } from './polls.ts';
import { scratch } from './program.ts';
import { recordsIn } from './records-in.ts';

export interface PollParts {
  readonly app: FastifyInstance;
  readonly log: Log;
  readonly budget: Budget;
  readonly metrics: Metrics;
  readonly registry: FileRegistry;
  /** Lines of errors. */
  readonly errors: readonly string[];
  /** Of the topic, in the order of the log. */
  readonly records: () => Promise<readonly LogRecord[]>;
}

export interface PollOptions {
  readonly pipeline?: Pipeline;
  readonly schemaType?: 'JSON' | 'AVRO' | 'PROTOBUF';
  readonly schema?: string;
  readonly files?: LogFiles;
  readonly maxQueueBytes?: number;
  readonly waitForRoomMs?: number;
  readonly bodyIdleTimeoutMs?: number;
}

export async function openPolls(t: TestContext, options: PollOptions = {}): Promise<PollParts> {
  const { pipeline = polls, files, waitForRoomMs = 4_000, bodyIdleTimeoutMs = 30_000 } = options;
  const dir = await scratch(t);
  const log = await openSegmentLog({
    dir: join(dir, 'log'),
    segmentBytes: 1 << 20,
    minFreeBytes: 0,
    ...(files && { files }),
    ...(options.maxQueueBytes !== undefined && { maxQueueBytes: options.maxQueueBytes }),
  });
  const topics = [pipeline.topic.name, pipeline.deadLetterTopic].map((name) => ({ name, partitions: 1 }));
  await log.ensureTopics([...topics, idempotencyTopic]);
  const state = await openStateIn(dir);
  const registry = await openFileRegistry({ dir: join(dir, 'registry') });
  await registry.register(subject, options.schemaType ?? 'JSON', options.schema ?? schema);
  const errors: string[] = [];
  const idempotency = await Idempotency.open({ log, views: state, onError: (error) => errors.push(String(error)) });
  const logger = createLogger({ level: 'error', to: { write: (line: string) => void errors.push(line) } });
  const metrics = createMetrics();
  const app = createServer({
    logger,
    metrics: metrics.registry,
    health: () => Promise.resolve({ ready: true, parts: {} }),
  });
  const budget = new Budget(1 << 24);
  const ingest = new EventIngest({
    pipeline,
    log,
    codecs: createCodecs(registry),
    budget,
    patience: new Patience(waitForRoomMs),
    idempotency,
    nextPackage: createPackageIds({ now: Date.now }),
  });
  mountRequestSource(app, { ingest, clock: createMicrosecondClock(), bodyIdleTimeoutMs, logger, metrics });
  t.after(async () => {
    await app.close();
    await idempotency.close();
    await log.close();
    await state.close();
  });
  const records = () => recordsIn(log, { topic: pipeline.topic.name, partition: 0 });
  return { app, log, budget, metrics, registry, errors, records };
}
