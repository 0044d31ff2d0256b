/** Arrays, of one kind of items or of items by position, which have content models as objects have. */
import { inline, type Problem, problem, type Step, under } from '../problem.ts';
import type { JsonComparer } from './compare-json.ts';
import { compareRests, compareUnevaluated } from './compare-rests.ts';
import { compareMaximum, compareMinimum } from './compare-values.ts';
import { type ArrayPart, describeJson, type JsonPart } from './json-part.ts';

export function compareArrays(comparer: JsonComparer, reader: ArrayPart, writer: ArrayPart): readonly Problem[] {
  return [
    ...under([{ token: 'items', name: '[]' }], comparer.problems(reader.items, writer.items)),
    ...compareByPosition(comparer, reader, writer),
    ...compareRests(comparer, 'Items', reader.additional, writer.additional),
    ...compareUnevaluated(comparer, 'Items', reader.unevaluated, writer.unevaluated),
    ...compareMaximum('maxItems', 'MAX_ITEMS', reader.maxItems, writer.maxItems),
    ...compareMinimum('minItems', 'MIN_ITEMS', reader.minItems, writer.minItems),
    ...(reader.isUnique && !writer.isUnique ? [uniqueAdded()] : []),
    ...compareMaximum('maxContains', 'MAX_CONTAINS', reader.maxContains, writer.maxContains),
    ...compareMinimum('minContains', 'MIN_CONTAINS', reader.minContains, writer.minContains),
  ];
}

function compareByPosition(comparer: JsonComparer, reader: ArrayPart, writer: ArrayPart): readonly Problem[] {
  const length = Math.max(reader.byPosition.length, writer.byPosition.length);
  return Array.from({ length }, (_, i) => {
    const read = reader.byPosition[i];
    const written = writer.byPosition[i];
    if (read === undefined)
      return under([position(i)], written === undefined ? [] : removed(comparer, reader, written));
    return under(
      [position(i)],
      written === undefined ? added(comparer, writer, read) : comparer.problems(read, written),
    );
  }).flat();
}

function removed(comparer: JsonComparer, reader: ArrayPart, written: JsonPart): readonly Problem[] {
  if (isOpen(reader)) return [];
  const covering = partForRest(reader);
  if (covering === undefined) return written.kind === 'nothing' ? [] : [removedFromClosed(written)];
  const problems = comparer.problems(covering, written);
  return problems.length === 0 ? [] : [...problems, notCovered('REMOVED', 'reader')];
}

function added(comparer: JsonComparer, writer: ArrayPart, read: JsonPart): readonly Problem[] {
  if (isOpen(writer)) return read.kind === 'any' ? [] : [addedToOpen(read)];
  const covering = partForRest(writer);
  const problems = covering === undefined ? [] : comparer.problems(read, covering);
  return problems.length === 0 ? [] : [...problems, notCovered('ADDED', 'writer')];
}

function isOpen({ additional, unevaluated }: ArrayPart): boolean {
  if (!additional.isAllowed || additional.part !== undefined) return false;
  return unevaluated === undefined || unevaluated.kind === 'any';
}

function partForRest({ additional, unevaluated }: ArrayPart): JsonPart | undefined {
  if (additional.part !== undefined || !additional.isAllowed) return additional.part;
  return unevaluated?.kind === 'any' || unevaluated?.kind === 'nothing' ? undefined : unevaluated;
}

function position(i: number): Step {
  return { token: `items/${i}`, name: `[${i}]` };
}

function uniqueAdded(): Problem {
  return problem(
    'UNIQUE_ITEMS_ADDED',
    (where, roles) => `the items of ${where} must differ in ${roles.reader} and can be equal in ${roles.writer}`,
    [{ token: 'uniqueItems' }],
  );
}

function addedToOpen(read: JsonPart): Problem {
  return problem(
    'ITEM_ADDED_TO_OPEN_CONTENT_MODEL',
    (where, roles) =>
      `${where} is ${inline(describeJson(read))} in ${roles.reader}, and ${roles.writer} lets anything stand there`,
  );
}

function removedFromClosed(written: JsonPart): Problem {
  return problem(
    'ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL',
    (where, roles) =>
      `${where} (${inline(describeJson(written))} in ${roles.writer}) is not in ${roles.reader}, which allows no other items`,
  );
}

function notCovered(change: 'ADDED' | 'REMOVED', role: 'reader' | 'writer'): Problem {
  return problem(
    `ITEM_${change}_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`,
    (where, roles) => `${where} is not in ${roles[role]}, and what that says of other items does not fit`,
  );
}
