/**
 * Objects. What may be beside the properties that a schema names makes its content model: open (anything), closed (nothing), or
 * partially open (what `additionalProperties`, `unevaluatedProperties` or a pattern says). A property can be added where the
 * writer was not open, and removed where the reader is not closed.
 */
import { pointerToken } from '../../../event/json-pointer.ts';
import { inline, listed, type Problem, problem, type Step, under } from '../problem.ts';
import type { JsonComparer } from './compare-json.ts';
import { compareRests, compareUnevaluated } from './compare-rests.ts';
import { compareMaximum, compareMinimum } from './compare-values.ts';
import { describeJson, type JsonPart, type ObjectPart } from './json-part.ts';
import { matches } from './pattern.ts';

export function compareObjects(comparer: JsonComparer, reader: ObjectPart, writer: ObjectPart): readonly Problem[] {
  return [
    ...compareRequired(reader, writer),
    ...compareProperties(comparer, reader, writer),
    ...compareDependentRequired(reader, writer),
    ...compareDependentSchemas(comparer, reader, writer),
    ...compareRests(comparer, 'Properties', reader.additional, writer.additional),
    ...compareUnevaluated(comparer, 'Properties', reader.unevaluated, writer.unevaluated),
    ...compareMaximum('maxProperties', 'MAX_PROPERTIES', reader.maxProperties, writer.maxProperties),
    ...compareMinimum('minProperties', 'MIN_PROPERTIES', reader.minProperties, writer.minProperties),
  ];
}

/** Of properties that both describe, as in Confluent's registry: what is required without a description is not compared. */
function compareRequired(reader: ObjectPart, writer: ObjectPart): readonly Problem[] {
  return [...reader.required].flatMap((name) => {
    const described = writer.properties.has(name) ? reader.properties.get(name) : undefined;
    if (described === undefined || described.hasDefault || writer.required.has(name)) return [];
    return under([{ token: 'required' }, property(name)], [requiredAdded()]);
  });
}

function compareProperties(comparer: JsonComparer, reader: ObjectPart, writer: ObjectPart): readonly Problem[] {
  const names = new Set([...writer.properties.keys(), ...reader.properties.keys()]);
  return [...names].flatMap((name) => {
    const read = reader.properties.get(name);
    const written = writer.properties.get(name);
    const path = [{ token: 'properties' }, property(name)];
    if (read === undefined) return under(path, removed(comparer, reader, name, written ?? nothing));
    if (written === undefined) return under(path, added(comparer, reader, writer, name, read));
    return under(path, comparer.problems(read, written));
  });
}

function removed(comparer: JsonComparer, reader: ObjectPart, name: string, written: JsonPart): readonly Problem[] {
  if (isOpen(reader)) return [];
  const covering = partFor(comparer, reader, name);
  if (covering === undefined) return written.kind === 'nothing' ? [] : [removedFromClosed(written)];
  const problems = comparer.problems(covering, written);
  return problems.length === 0 ? [] : [...problems, notCovered('REMOVED', 'reader')];
}

function added(
  comparer: JsonComparer,
  reader: ObjectPart,
  writer: ObjectPart,
  name: string,
  read: JsonPart,
): readonly Problem[] {
  const isRequired = reader.required.has(name);
  if (isOpen(writer)) return read.kind === 'any' ? [] : [addedToOpen(read, isRequired)];
  const covering = partFor(comparer, writer, name);
  const problems = covering === undefined ? [] : comparer.problems(read, covering);
  return [
    ...problems,
    ...(problems.length === 0 ? [] : [notCovered('ADDED', 'writer')]),
    ...(isRequired && !read.hasDefault ? [requiredAddedToUnopen(read)] : []),
  ];
}

function isOpen({ additional, patternProperties, unevaluated }: ObjectPart): boolean {
  if (!additional.isAllowed || additional.part !== undefined || patternProperties.size > 0) return false;
  return unevaluated === undefined || unevaluated.kind === 'any';
}

/** What a partially open model says of a property that it does not name. */
function partFor(comparer: JsonComparer, part: ObjectPart, name: string): JsonPart | undefined {
  for (const [pattern, matched] of part.patternProperties) if (matches(pattern, name, comparer.effort)) return matched;
  if (part.additional.part !== undefined || !part.additional.isAllowed) return part.additional.part;
  const { unevaluated } = part;
  return unevaluated?.kind === 'any' || unevaluated?.kind === 'nothing' ? undefined : unevaluated;
}

function compareDependentRequired(reader: ObjectPart, writer: ObjectPart): readonly Problem[] {
  return [...reader.dependentRequired].flatMap(([name, names]) => {
    const written = writer.dependentRequired.get(name);
    const more = [...names].filter((one) => written?.has(one) !== true);
    if (written !== undefined && more.length === 0) return [];
    const isExtended = written !== undefined && [...written].every((one) => names.has(one));
    const kind = written === undefined ? 'ADDED' : isExtended ? 'EXTENDED' : 'CHANGED';
    return under([{ token: 'dependencies' }, property(name)], [dependencyArray(kind, name, more)]);
  });
}

function compareDependentSchemas(comparer: JsonComparer, reader: ObjectPart, writer: ObjectPart): readonly Problem[] {
  return [...reader.dependentSchemas].flatMap(([name, part]) => {
    const written = writer.dependentSchemas.get(name);
    const problems = written === undefined ? [dependencySchema(name)] : comparer.problems(part, written);
    return under([{ token: 'dependencies' }, { token: pointerToken(name) }], problems);
  });
}

const nothing: JsonPart = { kind: 'nothing', hasDefault: false, isConnectBytes: false };

function property(name: string): Step {
  return { token: pointerToken(name), name };
}

function requiredAdded(): Problem {
  return problem(
    'REQUIRED_ATTRIBUTE_ADDED',
    (where, roles) => `${where} is required in ${roles.reader}, without a default, and optional in ${roles.writer}`,
  );
}

function addedToOpen(read: JsonPart, isRequired: boolean): Problem {
  const required = read.hasDefault ? 'REQUIRED_PROPERTY_WITH_DEFAULT' : 'REQUIRED_PROPERTY';
  return problem(
    `${isRequired ? required : 'OPTIONAL_PROPERTY'}_ADDED_TO_OPEN_CONTENT_MODEL`,
    (where, roles) =>
      `${where} is ${inline(describeJson(read))} in ${roles.reader}${isRequired ? ' and required' : ''}, and ` +
      `${roles.writer}, which does not name it, lets any value stand there (additionalProperties is not false)`,
  );
}

function requiredAddedToUnopen(read: JsonPart): Problem {
  return problem(
    'REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL',
    (where, roles) =>
      `${where} (${inline(describeJson(read))}) is required in ${roles.reader}, without a default, and missing in ` +
      roles.writer,
  );
}

function removedFromClosed(written: JsonPart): Problem {
  return problem(
    'PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL',
    (where, roles) =>
      `${where} (${inline(describeJson(written))} in ${roles.writer}) is not in ${roles.reader}, which allows no ` +
      'other properties',
  );
}

function notCovered(change: 'ADDED' | 'REMOVED', role: 'reader' | 'writer'): Problem {
  return problem(
    `PROPERTY_${change}_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`,
    (where, roles) => `${where} is not in ${roles[role]}, and what that says of other properties does not fit`,
  );
}

function dependencyArray(change: string, name: string, more: readonly string[]): Problem {
  return problem(
    `DEPENDENCY_ARRAY_${change}`,
    (_where, roles) =>
      `\`${inline(name)}\` needs ${listed(more)} beside it in ${roles.reader} and not in ${roles.writer}`,
  );
}

function dependencySchema(name: string): Problem {
  return problem(
    'DEPENDENCY_SCHEMA_ADDED',
    (_where, roles) =>
      `\`${inline(name)}\` makes the object fit another schema in ${roles.reader} and not in ${roles.writer}`,
  );
}
