/** Ingest of collect on a real log and real keyed state, in a directory of its own. */
import { join } from 'node:path';
import { app } from '../../apps/collect/collect.ts';
import { createPackageIds } from '../../src/event/correlation-id.ts';
import { type DeadLetter, readDeadLetter } from '../../src/dead-letters/dead-letter.ts';
import { repairsTopic } from '../../src/dead-letters/repair.ts';
import type { Answer } from '../../src/ingest/answer.ts';
import { Budget } from '../../src/ingest/budget.ts';
import { Idempotency } from '../../src/ingest/idempotency.ts';
import { idempotencyTopic } from '../../src/ingest/key-view.ts';
import { Ingest } from '../../src/ingest/ingest.ts';
import { Patience } from '../../src/ingest/patience.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import { splitNdjson } from '../../src/ingest/split-ndjson.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import type { LogFiles } from '../../src/log/segments/files.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import { type Codecs, createCodecs } from '../../src/schemas/codecs.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import type { SchemaRegistry } from '../../src/schemas/registry.ts';
import { loadSchemaFiles } from '../../src/schemas/schema-files.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { sparseLog } from './sparse-log.ts';
import { recordsIn } from './records-in.ts';

export interface IngestParts {
  readonly log: Log;
  readonly state: StateStore;
  readonly codecs: Codecs;
  readonly pipeline: Pipeline;
  readonly budget: Budget;
  readonly ingest: Ingest;
  /** What was told of defects. */
  readonly defects: readonly unknown[];
  /** @param chunks of the body; one that is an error breaks the body off */
  send(
    chunks: readonly (string | Error)[],
    more?: { key?: string; sender?: string; ndjson?: boolean },
  ): Promise<Answer>;
  close(): Promise<void>;
}

export interface IngestPartsOptions {
  /** Default: an embedded one with the project's schemas. */
  readonly registry?: SchemaRegistry;
  readonly dir: string;
  readonly pipeline?: Partial<Pipeline>;
  readonly files?: LogFiles;
  readonly maxInFlightBytes?: number;
  readonly waitForRoomMs?: number;
}

/** Its offsets have holes: nobody may count on there being none. */
export async function openLogIn(dir: string, files?: LogFiles): Promise<Log> {
  const segments = await openSegmentLog({
    dir: join(dir, 'log'),
    segmentBytes: 1 << 20,
    minFreeBytes: 0,
    ...(files && { files }),
  });
  const log = sparseLog(segments);
  const names = [app.pipeline.topic.name, app.pipeline.deadLetterTopic];
  await log.ensureTopics([...names.map((name) => ({ name, partitions: 1 })), idempotencyTopic, repairsTopic]);
  return log;
}

export function openStateIn(dir: string): Promise<StateStore> {
  return openLmdbStore({ dir: join(dir, 'state'), minFreeBytes: 0 });
}

async function openOwnRegistry(dir: string): Promise<SchemaRegistry> {
  const registry = await openFileRegistry({ dir: join(dir, 'registry') });
  await loadSchemaFiles({ dir: join(import.meta.dirname, '../../schemas'), registry });
  return registry;
}

export async function openIngest(options: IngestPartsOptions): Promise<IngestParts> {
  const { dir, files, maxInFlightBytes = 1 << 24, waitForRoomMs = 4_000 } = options;
  const pipeline: Pipeline = { ...app.pipeline, ...options.pipeline };
  const log = await openLogIn(dir, files);
  const state = await openStateIn(dir);
  const registry = options.registry ?? (await openOwnRegistry(dir));
  const defects: unknown[] = [];
  const idempotency = await Idempotency.open({ log, views: state, onError: (error) => defects.push(error) });
  const budget = new Budget(maxInFlightBytes);
  const codecs = createCodecs(registry);
  const ingest = new Ingest({
    pipeline,
    log,
    codecs,
    budget,
    patience: new Patience(waitForRoomMs),
    idempotency,
    nextPackage: createPackageIds({ now: Date.now }),
    onDefect: (error) => defects.push(error),
  });
  return {
    log,
    state,
    codecs,
    pipeline,
    budget,
    ingest,
    defects,
    send: (chunks, { key, sender, ndjson = false } = {}) =>
      ingest.receive({
        body: async function* () {
          for (const chunk of chunks) {
            if (chunk instanceof Error) throw chunk;
            yield Buffer.from(chunk);
          }
        },
        splitter: ndjson ? splitNdjson() : splitJson(),
        onNotJson: ndjson ? 'reject-event' : 'refuse-package',
        idempotencyKey: key,
        sender,
      }),
    close: async () => {
      await idempotency.close();
      await log.close();
      await state.close();
    },
  };
}

export interface Logged {
  readonly events: readonly LogRecord[];
  readonly letters: readonly DeadLetter[];
  readonly keys: readonly LogRecord[];
}

/** Everything that is in the log. */
export async function loggedIn(log: Log): Promise<Logged> {
  const events = await recordsIn(log, { topic: app.pipeline.topic.name, partition: 0 });
  const letters = await recordsIn(log, { topic: app.pipeline.deadLetterTopic, partition: 0 });
  return {
    events,
    letters: letters.map(readDeadLetter),
    keys: await recordsIn(log, { topic: idempotencyTopic.name, partition: 0 }),
  };
}
