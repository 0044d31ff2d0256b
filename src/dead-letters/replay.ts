/**
 * Replays of dead letters: the event as it stands goes through what every event goes through at ingest, and into the log under
 * a correlation id that follows from the letter's. The event and the record that the letter was replayed are one batch, and
 * whether it was is looked up under the same lock: a replay that is killed anywhere and run again, or run twice at once, gives one event for each
 * letter (D9). Of a package that was refused as a whole, all events go in, or none. What is refused stays a letter, with the newest reason.
 */
import { replayCorrelationId } from '../event/correlation-id.ts';
import { Reject } from '../event/reject.ts';
import type { Budget, Share } from '../ingest/budget.ts';
import type { Patience } from '../ingest/patience.ts';
import type { Append, Batch, Header, Log, NewRecord } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { traceHeader } from '../telemetry/tracing.ts';
import { letterBatches } from './letter-batches.ts';
import type { LetterFilter } from './letter-filter.ts';
import type { Letter, Letters } from './letters.ts';
import { firstReceived, replayOf } from './refused-records.ts';
import { repairRecord, standingReplay } from './repair.ts';
import type { Repairs } from './repairs.ts';
import type { TryEvent } from './try-event.ts';

export interface ReplayOutcome {
  readonly correlationId: string;
  readonly pipeline?: string;
  /** `left out`: its pipeline does not run here. `not found`: of ids that were asked for, those that nothing was found for. */
  readonly result: 'accepted' | 'refused' | 'already replayed' | 'left out' | 'not found';
  /** The event that it was replayed as, now or before. */
  readonly as?: string;
  /** Of what was replayed before: when, RFC 3339. */
  readonly replayedAt?: string;
  /** Of what was refused or left out: why. */
  readonly path?: string;
  readonly message?: string;
}

export interface ReplayOptions {
  readonly log: Log;
  readonly letters: Letters;
  readonly repairs: Repairs;
  readonly pipelines: readonly Pipeline[];
  readonly tryEvent: TryEvent;
  readonly budget: Budget;
  readonly patience: Patience;
  /** Told of events that are in the log. */
  readonly onReplayed: (pipeline: string, events: number) => void;
}

interface Tried {
  readonly outcome: ReplayOutcome;
  readonly records: readonly NewRecord[];
  /** That are in the log then; default none. */
  readonly events?: number;
}

/**
 * What became of each letter, when it is durable; with `dryRun` what would, and nothing is written.
 * @throws Fault BUSY, LOG_FULL, LOG_FAILED: what was told of before is done, and nothing of the rest
 */
export async function* replayLetters(
  options: ReplayOptions,
  filter: LetterFilter,
  { dryRun }: { readonly dryRun: boolean },
): AsyncGenerator<readonly ReplayOutcome[]> {
  await options.repairs.refresh();
  const missing = new Set(filter.ids);
  for await (const batch of letterBatches(options.letters.find(filter))) {
    for (const { correlationId } of batch) missing.delete(correlationId);
    if (dryRun) yield (await tryAll(options, batch)).map(({ outcome }) => outcome);
    else yield await options.repairs.change((append) => replayBatch(options, batch, append));
  }
  yield [...missing].map((correlationId) => ({ correlationId, result: 'not found' }));
}

async function replayBatch(
  options: ReplayOptions,
  found: readonly Letter[],
  append: Append,
): Promise<readonly ReplayOutcome[]> {
  const { letters, repairs } = options;
  const current: Letter[] = [];
  for (const letter of found)
    current.push(await letters.withStatus(letter, await repairs.status(letter.correlationId)));
  const tried = await tryAll(options, current);
  const batch = options.log.batch();
  for (const { records } of tried) for (const record of records) batch.add(record);
  const share = options.budget.share();
  try {
    await appendWhole(options, batch, share, append);
  } finally {
    share.release();
  }
  countReplayed(options, tried);
  return tried.map(({ outcome }) => outcome);
}

async function appendWhole({ patience }: ReplayOptions, batch: Batch, share: Share, append: Append): Promise<void> {
  if (batch.count === 0) return;
  const waits = patience.waits();
  await waits.during((signal) => share.resize(batch.bytes, () => signal));
  await waits.during((signal) => append(batch, { signal }));
}

async function tryAll(options: ReplayOptions, letters: readonly Letter[]): Promise<readonly Tried[]> {
  const tried: Tried[] = [];
  for (const letter of letters) tried.push(await tryLetter(options, letter));
  return tried;
}

async function tryLetter({ pipelines, tryEvent }: ReplayOptions, letter: Letter): Promise<Tried> {
  const { correlationId, pipeline: name, status, current } = letter;
  const about = { correlationId, pipeline: name };
  const standing = standingReplay(status);
  if (standing !== undefined) {
    const { as, timeMs } = standing;
    const replayedAt = new Date(timeMs).toISOString();
    return { outcome: { ...about, result: 'already replayed', as, replayedAt }, records: [] };
  }
  const pipeline = pipelines.find((one) => one.name === name);
  if (pipeline === undefined)
    return { outcome: { ...about, result: 'left out', message: 'its pipeline does not run here' }, records: [] };
  const as = replayCorrelationId(correlationId, (status?.replays.length ?? 0) + 1);
  const envelope = envelopeOf(letter, pipeline);
  const made = await tryEvent(current, { pipeline, correlationId: as, file: letter.file, envelope });
  if (made instanceof Reject) return refused(letter, made);
  const events = made.map((event) => replayed(event, letter, envelope !== undefined));
  const records = [...events, repairRecord(correlationId, { kind: 'replay', as })];
  return { outcome: { ...about, result: 'accepted', as }, records, events: events.length };
}

/** What ingest refuses of a source of envelopes is a whole package. */
function envelopeOf({ at }: Letter, { source }: Pipeline): string | undefined {
  return at === 'ingest' && source.kind === 'http' ? source.envelope?.events : undefined;
}

/**
 * In the trace of the package that the letter came in: a replay is a request of another's. Events of a package are not the letter's own:
 * one that is refused from now on is a letter by itself, and the others have landed.
 */
function replayed(
  event: NewRecord,
  { correlationId, current, event: received, traceparent }: Letter,
  isOfPackage: boolean,
): NewRecord {
  const headers: Header[] = [...event.headers];
  if (!isOfPackage) headers.push([replayOf, correlationId]);
  if (!isOfPackage && current !== received) headers.push([firstReceived, received]);
  if (traceparent !== undefined) headers.push([traceHeader, traceparent]);
  return { ...event, headers };
}

/** The same reason again is no news. */
function refused(letter: Letter, { path, message }: Reject): Tried {
  const { correlationId, pipeline } = letter;
  const isNews = path !== letter.path || message !== letter.message;
  return {
    outcome: { correlationId, pipeline, result: 'refused', path, message },
    records: isNews ? [repairRecord(correlationId, { kind: 'refusal', path, message })] : [],
  };
}

function countReplayed({ onReplayed }: ReplayOptions, tried: readonly Tried[]): void {
  const counts = new Map<string, number>();
  for (const { outcome, events = 0 } of tried)
    if (events > 0 && outcome.pipeline !== undefined)
      counts.set(outcome.pipeline, (counts.get(outcome.pipeline) ?? 0) + events);
  for (const [pipeline, events] of counts) onReplayed(pipeline, events);
}
