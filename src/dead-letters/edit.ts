/**
 * Edits of dead letters: by a patch, many at once, or one by its whole new text. An edit is a record beside the letter, which
 * stays as it was received. A letter whose replay stands cannot be edited: its event is in the log.
 */
import { isJson } from '../event/json-syntax.ts';
import { Fault } from '../errors.ts';
import type { Append, Log } from '../log/log.ts';
import { letterBatches } from './letter-batches.ts';
import type { LetterFilter } from './letter-filter.ts';
import type { Letter, Letters } from './letters.ts';
import { applyTo, type Patch, type PatchChange } from './patch.ts';
import { repairRecord, standingReplay } from './repair.ts';
import type { Repairs } from './repairs.ts';

export interface EditOutcome {
  readonly correlationId: string;
  readonly pipeline?: string;
  /** `failed`: the patch does not fit it. `not found`: of ids that were asked for, those that nothing was found for. */
  readonly result: 'changed' | 'unchanged' | 'failed' | 'already replayed' | 'not found';
  /** The first few. */
  readonly changes?: readonly PatchChange[];
  /** Why it failed. */
  readonly message?: string;
}

export interface EditOptions {
  readonly log: Log;
  readonly letters: Letters;
  readonly repairs: Repairs;
}

const shownChanges = 5;
const shownCharacters = 200;

/** What became of each letter, when it is durable; with `dryRun` what would, and nothing is written. */
export async function* patchLetters(
  options: EditOptions,
  filter: LetterFilter,
  patch: Patch,
  { dryRun }: { readonly dryRun: boolean },
): AsyncGenerator<readonly EditOutcome[]> {
  await options.repairs.refresh();
  const missing = new Set(filter.ids);
  for await (const batch of letterBatches(options.letters.find(filter))) {
    for (const { correlationId } of batch) missing.delete(correlationId);
    if (dryRun) yield batch.map((letter) => patchOne(letter, patch).outcome);
    else yield await options.repairs.change((append) => patchBatch(options, batch, patch, append));
  }
  yield [...missing].map((correlationId) => ({ correlationId, result: 'not found' }));
}

async function patchBatch(
  { log, letters, repairs }: EditOptions,
  found: readonly Letter[],
  patch: Patch,
  append: Append,
): Promise<readonly EditOutcome[]> {
  const batch = log.batch();
  const outcomes: EditOutcome[] = [];
  for (const one of found) {
    const letter = await letters.withStatus(one, await repairs.status(one.correlationId));
    const { outcome, event } = patchOne(letter, patch);
    outcomes.push(outcome);
    if (event) batch.add(repairRecord(letter.correlationId, { kind: 'edit' }, event));
  }
  await append(batch);
  return outcomes;
}

function patchOne(letter: Letter, patch: Patch): { readonly outcome: EditOutcome; readonly event?: Buffer } {
  const { correlationId, pipeline, status, current } = letter;
  const about = { correlationId, pipeline };
  if (standingReplay(status)) return { outcome: { ...about, result: 'already replayed' } };
  const patched = applyTo(current, patch);
  if (patched.result !== 'changed') return { outcome: { ...about, ...patched } };
  const changes = patched.changes.slice(0, shownChanges).map(shortened);
  return { outcome: { ...about, result: 'changed', changes }, event: patched.event };
}

function shortened({ path, before, after }: PatchChange): PatchChange {
  return { path, before: cut(before), after: cut(after) };
}

function cut(text: string | undefined): string | undefined {
  return text !== undefined && text.length > shownCharacters ? `${text.slice(0, shownCharacters)}...` : text;
}

/**
 * The event of one letter as a whole.
 * @param edits how many edits the letter had when it was looked at
 * @throws Fault DEAD_LETTER_UNKNOWN, DEAD_LETTER_REPLAYED, DEAD_LETTER_CHANGED (by others meanwhile), REPAIR_INVALID (not JSON)
 */
export async function editLetter(options: EditOptions, id: string, event: Buffer, edits: number): Promise<void> {
  const { log, letters, repairs } = options;
  if (!isJson(event)) throw new Fault('REPAIR_INVALID', `the edited event of ${id} is not JSON`);
  for await (const { correlationId } of letters.find({ ids: [id] })) {
    await repairs.change(async (append) => {
      const status = await repairs.status(correlationId);
      const standing = standingReplay(status);
      if (standing)
        throw new Fault('DEAD_LETTER_REPLAYED', `the dead letter ${id} was replayed already, as ${standing.as}`);
      const found = status?.edits.length ?? 0;
      if (found !== edits)
        throw new Fault(
          'DEAD_LETTER_CHANGED',
          `the dead letter ${id} was edited meanwhile (${found} edits, not ${edits})`,
        );
      const batch = log.batch();
      batch.add(repairRecord(correlationId, { kind: 'edit' }, onOneLine(event)));
      await append(batch);
    });
    return;
  }
  throw unknownLetter(id);
}

/** A line feed in JSON is whitespace wherever it stands; what an event is sent as may become part of a line. */
function onOneLine(json: Buffer): Buffer {
  return Buffer.from(json.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)));
}

export function unknownLetter(id: string): Fault {
  return new Fault('DEAD_LETTER_UNKNOWN', `there is no dead letter ${id}`);
}
