/** Sources of the notes pipeline on a real log, real keyed state and real directories; lives of them begin and end as a test says. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeadLetter, readDeadLetter } from '../../src/dead-letters/dead-letter.ts';
import { createPackageIds } from '../../src/event/correlation-id.ts';
import { Budget } from '../../src/ingest/budget.ts';
import { Patience } from '../../src/ingest/patience.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import type { FileSource as FileSourceDefinition } from '../../src/pipeline/pipeline.ts';
import { createCodecs } from '../../src/schemas/codecs.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { FileLooks } from '../../src/sources/files/file-looks.ts';
import { FileMemory, filesTopic } from '../../src/sources/files/file-memory.ts';
import { FileReader } from '../../src/sources/files/file-reader.ts';
import { FileSource, type FileSourceOptions } from '../../src/sources/files/file-source.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import { type Note, pipeline, schema, subject } from './notes.ts';
import { recordsIn } from './records-in.ts';
import { sparseLog } from './sparse-log.ts';
import { until } from './until.ts';

export interface FileParts {
  /** Its inboxes are `a` and `b` in it. */
  readonly dir: string;
  readonly log: Log;
  /** What was told of files and failures. */
  readonly told: readonly string[];
  /** What the sources have told of looks. */
  readonly looks: FileLooks;
  /** How many files wait to become whole. */
  readonly waiting: () => number;
  readonly budget: Budget;
  /**
   * @param around what the life sees of the log; a part of it may hang, as in a process that is dead
   * @param onTaken told of files whose events are durable
   */
  start(
    definition?: Partial<FileSourceDefinition>,
    around?: (log: Log) => Log,
    onTaken?: FileSourceOptions['observer']['taken'],
  ): Promise<FileSource>;
  notes(): Promise<readonly Note[]>;
  letters(): Promise<readonly DeadLetter[]>;
  /** Records of what was taken. */
  taken(): Promise<readonly LogRecord[]>;
  /** Resolves when the log has so many notes and letters. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

const topics = [pipeline.topic.name, pipeline.deadLetterTopic, filesTopic.name].map((name) => ({
  name,
  partitions: 1,
}));

/** @param isSparse false for measuring: its offsets have no holes, and its segments are as large as they are */
export async function openFileParts(dir: string, isSparse = true): Promise<FileParts> {
  for (const name of ['a', 'b']) await mkdir(join(dir, name), { recursive: true });
  const segmentBytes = isSparse ? 1 << 20 : 64 << 20;
  const segments = await openSegmentLog({ dir: join(dir, 'log'), segmentBytes, minFreeBytes: 0 });
  const log = isSparse ? sparseLog(segments) : segments;
  const state = await openLmdbStore({ dir: join(dir, 'state'), minFreeBytes: 0 });
  const registry = await openFileRegistry({ dir: join(dir, 'registry') });
  await registry.register(subject, 'JSON', schema);
  await log.ensureTopics(topics);
  const told: string[] = [];
  let waiting = 0;
  const observer: FileSourceOptions['observer'] = {
    taken: () => undefined,
    passedOver: (file, why) => told.push(`${file} ${why}`),
    notTakenAway: (file, error) => told.push(`${file} not taken away: ${String(error)}`),
    failed: (error) => told.push(`failed: ${String(error)}`),
    waiting: (files) => (waiting = files),
  };
  const budget = new Budget(1 << 26);
  const reader = new FileReader(0); // soon with all the threads that it may have
  const recordsOf = (topic: string) => recordsIn(log, { topic, partition: 0 });
  const notes = async () =>
    (await recordsOf(pipeline.topic.name)).map(({ value }) => JSON.parse(value.subarray(5).toString()) as Note);
  const letters = async () => (await recordsOf(pipeline.deadLetterTopic)).map(readDeadLetter);
  return {
    dir,
    log,
    told,
    looks: new FileLooks(state, { logId: log.id, pipeline: pipeline.name }),
    waiting: () => waiting,
    budget,
    start: (definition = {}, around = (one) => one, onTaken = () => undefined) => {
      const source = { ...(pipeline.source as FileSourceDefinition), directories: ['a', 'b'], ...definition };
      const seen = around(log);
      return FileSource.start({
        pipeline,
        source,
        log: seen,
        state,
        memory: new FileMemory(seen, state),
        reader,
        codecs: createCodecs(registry),
        budget,
        patience: new Patience(4_000),
        nextPackage: createPackageIds({ now: Date.now }),
        workingDir: dir,
        onDefect: (error) => told.push(`defect: ${String(error)}`),
        observer: { ...observer, taken: onTaken },
      });
    },
    notes,
    letters,
    taken: () => recordsOf(filesTopic.name),
    arrived: (count) => until(async () => (await notes()).length + (await letters()).length >= count),
    close: async () => {
      await reader.close();
      await log.close();
      await state.close();
    },
  };
}
