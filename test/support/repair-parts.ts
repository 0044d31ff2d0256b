/** Repairs of dead letters on a real log and real keyed state, in a directory of its own. */
import { join } from 'node:path';
import type { EditOutcome } from '../../src/dead-letters/edit.ts';
import { patchLetters } from '../../src/dead-letters/edit.ts';
import type { LetterFilter } from '../../src/dead-letters/letter-filter.ts';
import { type Letter, Letters } from '../../src/dead-letters/letters.ts';
import { parsePatch } from '../../src/dead-letters/patch.ts';
import { repairsTopic } from '../../src/dead-letters/repair.ts';
import { Repairs } from '../../src/dead-letters/repairs.ts';
import { type ReplayOptions, type ReplayOutcome, replayLetters } from '../../src/dead-letters/replay.ts';
import { createTryEvent } from '../../src/dead-letters/try-event.ts';
import { Patience } from '../../src/ingest/patience.ts';
import type { LogRecord } from '../../src/log/log.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { type IngestParts, type IngestPartsOptions, openIngest } from './ingest-parts.ts';
import { recordsIn } from './records-in.ts';

export interface RepairParts {
  readonly ingest: IngestParts;
  readonly repairs: Repairs;
  readonly letters: Letters;
  readonly options: ReplayOptions;
  readonly errors: readonly unknown[];
  /** How many events of replays were counted. */
  readonly counted: () => number;
  replay(filter?: LetterFilter, dryRun?: boolean): Promise<readonly ReplayOutcome[]>;
  patch(text: string, filter?: LetterFilter, dryRun?: boolean): Promise<readonly EditOutcome[]>;
  list(filter?: LetterFilter): Promise<readonly Letter[]>;
  /** Everything in a topic's first partition. */
  records(topic: string): Promise<readonly LogRecord[]>;
  close(): Promise<void>;
}

export interface RepairPartsOptions extends IngestPartsOptions {
  readonly changeState?: (state: StateStore) => StateStore;
}

export async function openRepairs(options: RepairPartsOptions): Promise<RepairParts> {
  const ingest = await openIngest(options);
  const { log, codecs, pipeline, budget } = ingest;
  const state = options.changeState?.(ingest.state) ?? ingest.state;
  const errors: unknown[] = [];
  const repairs = await Repairs.open({ log, state, onError: (error) => errors.push(error) });
  const objects = await openDirectoryStore({ dir: join(options.dir, 'objects') });
  const letters = new Letters({ log, statuses: repairs, pipelines: [pipeline], objects });
  let counted = 0;
  const replay: ReplayOptions = {
    log,
    letters,
    repairs,
    pipelines: [pipeline],
    tryEvent: createTryEvent({ codecs, onDefect: (error) => errors.push(error) }),
    budget,
    patience: new Patience(options.waitForRoomMs ?? 4_000),
    onReplayed: (_pipeline, events) => (counted += events),
  };
  return {
    ingest,
    repairs,
    letters,
    options: replay,
    errors,
    counted: () => counted,
    replay: async (filter = {}, dryRun = false) =>
      (await Array.fromAsync(replayLetters(replay, filter, { dryRun }))).flat(),
    patch: async (text, filter = {}, dryRun = false) =>
      (await Array.fromAsync(patchLetters(replay, filter, parsePatch(text), { dryRun }))).flat(),
    list: async (filter = {}) => {
      await repairs.refresh();
      return Array.fromAsync(letters.find(filter));
    },
    records: (topic) => recordsIn(log, { topic, partition: 0 }),
    close: async () => {
      await repairs.close();
      await ingest.close();
    },
  };
}

export const repairsName = repairsTopic.name;
