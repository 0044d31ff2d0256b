/** Strings, numbers, enums and constants: limits that are new or tighter in the reader. */
import { inline, inlineJson, listed, type Problem, problem } from '../problem.ts';
import type { ConstPart, EnumPart, NumberPart, StringPart } from './json-part.ts';
import { isMultiple } from './multiples.ts';

export function compareStrings(reader: StringPart, writer: StringPart): readonly Problem[] {
  return [
    ...compareMaximum('maxLength', 'MAX_LENGTH', reader.maxLength, writer.maxLength),
    ...compareMinimum('minLength', 'MIN_LENGTH', reader.minLength, writer.minLength),
    ...comparePatterns(reader.pattern, writer.pattern),
  ];
}

export function compareNumbers(reader: NumberPart, writer: NumberPart): readonly Problem[] {
  return [
    ...compareMaximum('maximum', 'MAXIMUM', reader.maximum, writer.maximum),
    ...compareMinimum('minimum', 'MINIMUM', reader.minimum, writer.minimum),
    ...compareMaximum('exclusiveMaximum', 'EXCLUSIVE_MAXIMUM', reader.exclusiveMaximum, writer.exclusiveMaximum),
    ...compareMinimum('exclusiveMinimum', 'EXCLUSIVE_MINIMUM', reader.exclusiveMinimum, writer.exclusiveMinimum),
    ...compareExclusive(reader, writer),
    ...compareMultiples(reader.multipleOf, writer.multipleOf),
    ...(reader.isInteger && !writer.isInteger ? [narrowed()] : []),
  ];
}

export function compareEnums(reader: EnumPart, writer: EnumPart): readonly Problem[] {
  const missing = [...writer.values].filter(([identity]) => !reader.values.has(identity)).map(([, value]) => value);
  if (missing.length === 0) return [];
  const isNarrowed = [...reader.values.keys()].every((identity) => writer.values.has(identity));
  return [
    problem(
      isNarrowed ? 'ENUM_ARRAY_NARROWED' : 'ENUM_ARRAY_CHANGED',
      (where, roles) =>
        `${where} can be ${listed(missing.map(inlineJson))} in ${roles.writer}, which its enum in ${roles.reader} lacks`,
      [{ token: 'enum' }],
    ),
  ];
}

export function compareConsts(reader: ConstPart, writer: ConstPart): readonly Problem[] {
  if (reader.identity === writer.identity) return [];
  return [
    problem(
      'ENUM_ARRAY_CHANGED',
      (where, roles) =>
        `${where} is always ${inlineJson(writer.value)} in ${roles.writer} and ${inlineJson(reader.value)} in ${roles.reader}`,
      [{ token: 'const' }],
    ),
  ];
}

/** A limit that must not sink. The kind is `name` and what became of it. */
export function compareMaximum(keyword: string, name: string, reader?: number, writer?: number): readonly Problem[] {
  if (reader === undefined || (writer !== undefined && writer <= reader)) return [];
  return [limit(keyword, `${name}_${writer === undefined ? 'ADDED' : 'DECREASED'}`, reader, writer)];
}

/** A limit that must not rise. */
export function compareMinimum(keyword: string, name: string, reader?: number, writer?: number): readonly Problem[] {
  if (reader === undefined || (writer !== undefined && writer >= reader)) return [];
  return [limit(keyword, `${name}_${writer === undefined ? 'ADDED' : 'INCREASED'}`, reader, writer)];
}

function limit(keyword: string, kind: string, reader: number, writer: number | undefined): Problem {
  const before = writer === undefined ? 'has none' : `has ${writer}`;
  return problem(
    kind,
    (where, roles) => `${where} has the ${keyword} ${reader} in ${roles.reader} and ${before} in ${roles.writer}`,
    [{ token: keyword }],
  );
}

/** Draft-04's mark on a limit that stayed where it was. */
function compareExclusive(reader: NumberPart, writer: NumberPart): readonly Problem[] {
  const problems: Problem[] = [];
  if (reader.isMinimumExclusive && !writer.isMinimumExclusive && reader.minimum === writer.minimum)
    problems.push(exclusive('minimum', 'EXCLUSIVE_MINIMUM_ADDED', 'exclusiveMinimum'));
  if (reader.isMaximumExclusive && !writer.isMaximumExclusive && reader.maximum === writer.maximum)
    problems.push(exclusive('maximum', 'EXCLUSIVE_MAXIMUM_ADDED', 'exclusiveMaximum'));
  return problems;
}

function exclusive(keyword: string, kind: string, token: string): Problem {
  return problem(
    kind,
    (where, roles) => `the ${keyword} of ${where} itself is allowed in ${roles.writer} and not in ${roles.reader}`,
    [{ token }],
  );
}

function comparePatterns(reader: string | undefined, writer: string | undefined): readonly Problem[] {
  if (reader === undefined || reader === writer) return [];
  const before = writer === undefined ? 'nothing' : `\`${inline(writer)}\``;
  return [
    problem(
      writer === undefined ? 'PATTERN_ADDED' : 'PATTERN_CHANGED',
      (where, roles) => `${where} must match \`${inline(reader)}\` in ${roles.reader} and ${before} in ${roles.writer}`,
      [{ token: 'pattern' }],
    ),
  ];
}

function compareMultiples(reader: number | undefined, writer: number | undefined): readonly Problem[] {
  if (reader === undefined || reader === writer) return [];
  if (writer !== undefined && isMultiple(writer, reader)) return [];
  const expanded = writer !== undefined && isMultiple(reader, writer);
  const kind = writer === undefined ? 'ADDED' : expanded ? 'EXPANDED' : 'CHANGED';
  return [
    problem(
      `MULTIPLE_OF_${kind}`,
      (where, roles) =>
        `${where} must be a multiple of ${reader} in ${roles.reader} and of ${writer ?? 'nothing'} in ${roles.writer}`,
      [{ token: 'multipleOf' }],
    ),
  ];
}

function narrowed(): Problem {
  return problem(
    'TYPE_NARROWED',
    (where, roles) => `${where} is integer in ${roles.reader} and can be any number in ${roles.writer}`,
  );
}
