/**
 * `allOf`, `anyOf`, `oneOf`: branches of the one are paired with branches of the other that can read them, whatever their order,
 * and as many pairs as the shorter list has branches must be found.
 */
import { listed, type Problem, problem } from '../problem.ts';
import type { JsonComparer } from './compare-json.ts';
import { type CombinedPart, describeJson, type JsonPart } from './json-part.ts';
import { unmatched } from './matching.ts';

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
  const edges = written.map((from) => read.map((to) => comparer.problems(to, from).length === 0));
  const lonely = unmatched(edges, read.length, comparer.effort);
  if (written.length - lonely.length < Math.min(read.length, written.length))
    problems.push(
      branchesChanged(
        writer,
        lonely.flatMap((i) => written[i] ?? []),
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

function distinct({ parts, identities }: CombinedPart): readonly JsonPart[] {
  const seen = new Set<number | undefined>();
  return parts.filter((_, i) => {
    const isNew = !seen.has(identities[i]);
    seen.add(identities[i]);
    return isNew;
  });
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
