/** Compares every acknowledged event with every place where it must, or must not, have landed. */
import type { Pool } from 'pg';
import { deadLetterBody, deadLetterKey } from '../../dead-letters/dead-letter-sink.ts';
import type { DeadLetter } from '../../dead-letters/dead-letter.ts';
import { stringifyEvent } from '../../event/verbatim.ts';
import { Reject } from '../../event/reject.ts';
import { type ExpectedRow, type LandedObjects, type ObjectLine, compareRows, countRows } from './landed.ts';
import { expectedOf, outputOf, type Targets } from './expected.ts';
import { isLineOf } from '../../sinks/object-lines.ts';
import type { Verdict } from '../subject.ts';
import type { Sent } from './send-packages.ts';

export interface Evidence {
  readonly acknowledged: ReadonlyMap<string, Sent>;
  readonly letters: ReadonlyMap<string, readonly DeadLetter[]>;
  readonly objects: LandedObjects;
  readonly pool: Pool;
}

export async function judge(targets: Targets, evidence: Evidence): Promise<Verdict> {
  const lost: string[] = [];
  const twice: string[] = [];
  const wrong: string[] = [];
  const rows: ExpectedRow[] = [];
  let deadLetters = 0;
  const count = (what: string, found: number, id: string): void => {
    if (found === 0) lost.push(`${id}: not in ${what}`);
    if (found > 1) twice.push(`${id}: ${found} times in ${what}`);
  };
  for (const [id, sent] of evidence.acknowledged) {
    const expected = expectedOf(targets, sent.line, id);
    const lines = evidence.objects.lines.get(id) ?? [];
    const mustBeRejected = expected.kind === 'dead-letter' && expected.at === 'ingest';
    if (mustBeRejected !== sent.rejected) {
      wrong.push(`${id}: ${sent.rejected ? 'refused, though it is valid' : 'accepted, though it is invalid'}`);
    } else if (expected.kind === 'dead-letter') {
      deadLetters += 1;
      const letters = evidence.letters.get(id) ?? [];
      count('the dead-letter topic', letters.length, id);
      count('the dead-letter objects', lines.length, id);
      if (letters.some((letter) => !sameLetter(letter, sent, expected.at, lines[0])))
        wrong.push(`${id}: its dead letter`);
    } else {
      rows.push({ id, row: expected.row });
      count('the objects', lines.length, id);
      if (evidence.letters.has(id)) twice.push(`${id}: landed, and is a dead letter as well`);
      if (lines.some((object) => !sameLine(targets, object, sent.line, id)))
        wrong.push(`${id}: its line in the objects`);
    }
  }
  for (const id of evidence.objects.lines.keys()) {
    if (!evidence.acknowledged.has(id)) wrong.push(`${id}: in the objects, but nobody sent it`);
  }
  for (const id of evidence.letters.keys()) {
    if (!evidence.acknowledged.has(id)) wrong.push(`${id}: a dead letter, but nobody sent it`);
  }
  await judgeRows(targets, evidence.pool, rows, { lost, twice, wrong });
  return { landed: rows.length, deadLetters, lost, twice, wrong, torn: evidence.objects.torn };
}

async function judgeRows(
  { table }: Targets,
  pool: Pool,
  rows: readonly ExpectedRow[],
  { lost, twice, wrong }: { lost: string[]; twice: string[]; wrong: string[] },
): Promise<void> {
  const first = rows[0];
  if (!first) return;
  const idColumn = Object.keys(first.row).find((name) => first.row[name] === first.id);
  if (idColumn === undefined) throw new TypeError(`table ${table.name} has no column with the correlation id`);
  const found = await compareRows(pool, table.name, table.columns, idColumn, rows);
  for (const { id } of rows) {
    const times = found.count.get(id) ?? 0;
    if (times === 0) lost.push(`${id}: not in table ${table.name}`);
    if (times > 1) twice.push(`${id}: ${times} times in table ${table.name}`);
  }
  wrong.push(...found.different.map((id) => `${id}: its row in table ${table.name}`));
  const extra = (await countRows(pool, table.name)) - rows.length;
  if (extra > 0) twice.push(`table ${table.name} has ${extra} rows more than events were acknowledged`);
}

/** The record as it was sent, and the object as the record has it. */
function sameLetter(letter: DeadLetter, sent: Sent, at: DeadLetter['at'], object: ObjectLine | undefined): boolean {
  if (letter.event.toString() !== sent.line || letter.at !== at) return false;
  if (object === undefined) return true; // lost, which is told already
  return object.key === deadLetterKey(letter) && `${object.line}\n` === deadLetterBody(letter).toString();
}

function sameLine(
  { pipeline, codec, objects }: Targets,
  { key, line }: ObjectLine,
  sentLine: string,
  correlationId: string,
): boolean {
  const publishTime = /"publishTime":"([^"]*)"/.exec(line.slice(line.lastIndexOf('"metadata"')))?.[1] ?? '';
  const output = outputOf(pipeline, codec, sentLine, { correlationId, publishTime });
  if (output instanceof Reject) return false;
  return isLineOf(key, line, stringifyEvent(output)) && key.startsWith(`${objects.key(output)}/`);
}
