/**
 * `allOf`, `anyOf`, `oneOf`: branches of the one are paired with branches of the other that can read them, whatever their order,
 * and as many pairs as the shorter list has branches must be found.
 */
import { listed, type Problem, problem } from '../problem.ts';
import type { JsonComparer } from './compare-json.ts';
import { type CombinedPart, describeJson, type JsonPart } from './json-part.ts';
import { type Edges, unmatched } from './matching.ts';

export function compareCombined(
  comparer: JsonComparer,
  reader: CombinedPart,
  writer: CombinedPart,
): readonly Problem[] {
  if (!mayReplace(reader, writer)) return [criterionChanged(reader, writer)];
  const read = distinct(reader);
  const written = distinct(writer);
  const problems: Problem[] = [];
  if (written.length < read.length && reader.criterion === 'allOf')
    problems.push(allOfExtended(read.length, written.length));
  if (written.length > read.length && writer.criterion !== 'allOf')
    problems.push(sumNarrowed(writer, read.length, written.length));
  const lonely = unmatched(edgesOf(comparer, read, written), comparer.effort);
  if (written.length - lonely.length < Math.min(read.length, written.length))
    problems.push(
      branchesChanged(
        writer,
        lonely.flatMap((i) => written[i]?.part ?? []),
      ),
    );
  return problems;
}

/** Whether the criterion is the same or, as Confluent's registry has it, a wider one. */
function mayReplace(reader: CombinedPart, writer: CombinedPart): boolean {
  if (reader.criterion === writer.criterion || reader.criterion === 'anyOf') return true;
  const wasSingle = writer.parts.length === 1;
  const isSingle = reader.parts.length === 1;
  return (
    (wasSingle && isSingle) || (wasSingle && reader.criterion === 'oneOf') || (isSingle && writer.criterion === 'allOf')
  );
}

interface Branch {
  readonly part: JsonPart;
  readonly identity: number;
}

/** Branches that are the same count once. */
function distinct({ parts, identities }: CombinedPart): readonly Branch[] {
  const branches = new Map(parts.map((part, i) => [identities[i] ?? i, part]));
  return [...branches].map(([identity, part]) => ({ identity, part }));
}

/** A branch of the writer most likely goes with its equal, else with the one in its place. */
function edgesOf(comparer: JsonComparer, read: readonly Branch[], written: readonly Branch[]): Edges {
  const equals = new Map(read.map(({ identity }, column) => [identity, column]));
  return {
    rows: written.length,
    columns: read.length,
    goes: (row, column) => comparer.reads(read[column]?.part, written[row]?.part),
    likely: (row) => equals.get(written[row]?.identity ?? row) ?? row,
  };
}

function criterionChanged(reader: CombinedPart, writer: CombinedPart): Problem {
  return problem(
    'COMBINED_TYPE_CHANGED',
    (where, roles) =>
      `${where} is ${describeJson(writer)} in ${roles.writer} and ${describeJson(reader)} in ${roles.reader}`,
  );
}

function allOfExtended(read: number, written: number): Problem {
  return problem(
    'PRODUCT_TYPE_EXTENDED',
    (where, roles) =>
      `${where} must fit all of ${read} schemas in ${roles.reader} and of ${written} in ${roles.writer}`,
  );
}

function sumNarrowed({ criterion }: CombinedPart, read: number, written: number): Problem {
  return problem(
    'SUM_TYPE_NARROWED',
    (where, roles) =>
      `\`${criterion}\` of ${where} has ${read} branches in ${roles.reader} and ${written} in ${roles.writer}`,
  );
}

function branchesChanged({ criterion }: CombinedPart, lonely: readonly JsonPart[]): Problem {
  return problem(
    'COMBINED_TYPE_SUBSCHEMAS_CHANGED',
    (where, roles) =>
      `branches of \`${criterion}\` of ${where} in ${roles.writer} have none in ${roles.reader} that reads them: ` +
      listed(lonely.map(describeJson)),
  );
}
