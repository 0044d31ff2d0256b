/**
 * Compares each file, as it is in the end, with what the log says that was taken of it, and with its dead letters. A file is one package: what
 * belongs together is told by the package's id. Answers the events from which the tables must have come.
 */
import type { DeadLetter } from '../../dead-letters/dead-letter.ts';
import { packageOf } from '../../event/correlation-id.ts';
import { Reject } from '../../event/reject.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Codec } from '../../schemas/codec.ts';
import type { TakenFile } from '../../sources/files/file-memory.ts';
import { contentOf } from '../../sources/files/file-version.ts';
import { outputOf } from '../packages/expected.ts';
import type { LandedObjects } from '../packages/landed.ts';
import type { Verdict } from '../subject.ts';
import type { Takes } from './takes.ts';
import type { FinalFile } from './written-files.ts';

export interface FilesEvidence {
  readonly finals: readonly FinalFile[];
  /** Of the source: what stands half-written for so long may be taken for what it is, a dead letter. */
  readonly settledAfterMs: number;
  readonly takes: Pick<Takes, 'all' | 'of'>;
  /** When the log took each record of the topic, RFC 3339, by correlation id. */
  readonly records: ReadonlyMap<string, readonly string[]>;
  /** By correlation id. */
  readonly letters: ReadonlyMap<string, readonly DeadLetter[]>;
  readonly objects: LandedObjects;
}

/** An event in the log, as the sinks are given it. */
export interface LoggedEvent {
  readonly of: string;
  readonly output: object;
}

export interface Judged extends Verdict {
  readonly rows: readonly LoggedEvent[];
}

interface Judging {
  readonly lost: string[];
  readonly twice: string[];
  readonly wrong: string[];
  readonly torn: string[];
  readonly rows: LoggedEvent[];
}

interface Of {
  readonly pipeline: Pipeline;
  readonly codec: Codec;
}

export function judge(of: Of, evidence: FilesEvidence): Judged {
  const judging: Judging = { lost: [], twice: [], wrong: [], torn: [...evidence.objects.torn], rows: [] };
  const { finals, takes } = evidence;
  const byPackage = {
    records: Map.groupBy(evidence.records.keys(), (id): string => packageOf(id)),
    letters: Map.groupBy([...evidence.letters.values()].flat(), ({ packageId }) => packageId),
  };
  for (const file of finals) {
    judgeTakes(file, takes.of(file.shown), judging);
    for (const taken of takes.of(file.shown)) {
      const { packageId: id } = taken;
      const found = { records: byPackage.records.get(id) ?? [], letters: byPackage.letters.get(id) ?? [] };
      judgePackage(of, evidence, { file, taken, ...found }, judging);
    }
  }
  judgeStrangers(evidence, judging);
  judgeLetterObjects(evidence, judging);
  const letters = evidence.letters.size;
  return { ...judging, landed: judging.rows.length, deadLetters: letters };
}

/** Nothing was to be taken again while it stood there whole. */
function judgeTakes({ shown, bytes, timesWhole, text }: FinalFile, taken: readonly TakenFile[], to: Judging): void {
  if (taken.at(-1)?.content !== contentOf(bytes)) to.lost.push(`${shown}: not taken as it is in the end`);
  const whole = contentOf(Buffer.from(text));
  const times = taken.filter(({ content, packageId }) => content === whole && packageId !== '').length;
  if (times > timesWhole) to.twice.push(`${shown}: taken ${times} times, and written ${timesWhole} times`);
}

interface OnePackage {
  readonly file: FinalFile;
  readonly taken: TakenFile;
  /** Correlation ids. */
  readonly records: readonly string[];
  readonly letters: readonly DeadLetter[];
}

/** What a file came to is in the log as often as it says, and is what the file says. */
function judgePackage(of: Of, evidence: FilesEvidence, one: OnePackage, to: Judging): void {
  const { file, taken, records, letters } = one;
  const name = `${file.shown} (${taken.packageId})`;
  const logged = records.flatMap((id) => evidence.records.get(id) ?? []).length;
  count(`${name}: of its events`, logged, taken.accepted, to);
  count(`${name}: of its refused events`, letters.filter(({ at }) => at === 'ingest').length, taken.rejected, to);
  const isWhole = taken.content === contentOf(Buffer.from(file.text));
  if (!isWhole && records.length > 0) to.torn.push(`${name}: a part of it was taken for the whole`);
  for (const letter of letters) judgeLetter(of, evidence, file, letter, to);
  if (!isWhole) return;
  for (const id of records) {
    const output = outputIn(of, file, id, evidence.records.get(id)?.[0] ?? '');
    if (output === 'ingest') to.wrong.push(`${name}: accepted, though it is invalid`);
    else if (output === 'processor') {
      if (!evidence.letters.has(id)) to.lost.push(`${name}: no dead letter of the processor`);
    } else to.rows.push({ of: name, output });
  }
}

function judgeLetter(
  of: Of,
  { settledAfterMs }: FilesEvidence,
  file: FinalFile,
  letter: DeadLetter,
  to: Judging,
): void {
  const event = letter.event.toString();
  const name = `${file.shown} (${letter.correlationId})`;
  if (event === file.text) {
    if (outputIn(of, file, letter.correlationId, '') !== letter.at)
      to.wrong.push(`${name}: refused, though it is valid`);
  } else if (!file.text.startsWith(event)) to.wrong.push(`${name}: its dead letter was never written so`);
  else if (file.longestHalfMs < settledAfterMs)
    to.torn.push(`${name}: a part of it was taken, and it stood there half-written for ${file.longestHalfMs | 0} ms`);
}

/** What sinks are given, or who refuses it. */
function outputIn(
  { pipeline, codec }: Of,
  { text, shown }: FinalFile,
  correlationId: string,
  publishTime: string,
): object | DeadLetter['at'] {
  try {
    const output = outputOf(pipeline, codec, text, { correlationId, publishTime }, shown);
    return output instanceof Reject ? 'processor' : output;
  } catch (error) {
    if (error instanceof Reject) return 'ingest';
    throw error;
  }
}

/** Events and letters of packages that no file came to. */
function judgeStrangers({ finals, takes, records, letters }: FilesEvidence, to: Judging): void {
  const written = new Set(finals.map(({ shown }) => shown));
  for (const { file } of takes.all) if (!written.has(file)) to.wrong.push(`${file}: taken, but nobody wrote it`);
  const packages = new Set<string>(takes.all.map(({ packageId }) => packageId));
  for (const id of [...records.keys(), ...letters.keys()])
    if (!packages.has(packageOf(id))) to.wrong.push(`${id}: in the log, but of no file that was taken`);
}

function judgeLetterObjects({ letters, objects }: FilesEvidence, to: Judging): void {
  for (const [id, found] of letters) {
    count(`${id}: in the dead-letter topic`, found.length, 1, to);
    count(`${id}: in the dead-letter objects`, objects.lines.get(id)?.length ?? 0, 1, to);
  }
  for (const id of objects.lines.keys())
    if (!letters.has(id)) to.wrong.push(`${id}: in the objects, and no dead letter`);
}

function count(name: string, found: number, wanted: number, { lost, twice }: Judging): void {
  if (found < wanted) lost.push(`${name} ${found}, where there must be ${wanted}`);
  if (found > wanted) twice.push(`${name} ${found}, where there must be ${wanted}`);
}
