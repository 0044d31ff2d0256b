/**
 * Whether what one Avro schema wrote another can read: schema resolution of the Avro specification, with the kinds and the
 * leniencies (names compared without their namespace) of Avro's own SchemaCompatibility. Decimals are held to precision and
 * scale besides, which it ignores.
 */
import type { Effort } from '../effort.ts';
import { Pairs } from '../pairs.ts';
import type { Comparison, ParsedSchemaText } from '../parsed-schema.ts';
import { inline, listed, type Problem, problem, type Step, under } from '../problem.ts';
import {
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroNamed,
  type AvroPart,
  type AvroRecord,
  describeAvro,
} from './avro-part.ts';
import { readAvro } from './read-avro.ts';

/** @throws Fault SCHEMA_INVALID @throws TooComplex */
export function avroProblems(readerText: ParsedSchemaText, writerText: ParsedSchemaText, effort: Effort): Comparison {
  const reader = readAvro(readerText, effort);
  const writer = readAvro(writerText, effort);
  const pairs = new Pairs<AvroPart>(effort);
  const comparison = new AvroComparison(pairs, effort);
  const problems = pairs.settle(() => comparison.problems(reader, writer));
  return { problems, root: 'name' in reader ? reader.name : '', pathPrefix: '/' };
}

const promotions: Partial<Record<AvroPart['type'], readonly AvroPart['type'][]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
  string: ['bytes'],
};

/** Comparing names takes so much less than comparing parts. */
const namesPerStep = 10;

class AvroComparison {
  readonly #pairs: Pairs<AvroPart>;
  readonly #effort: Effort;

  constructor(pairs: Pairs<AvroPart>, effort: Effort) {
    this.#pairs = pairs;
    this.#effort = effort;
  }

  problems(reader: AvroPart, writer: AvroPart): readonly Problem[] {
    return this.#pairs.problems(reader, writer, () => this.#compare(reader, writer));
  }

  #reads(reader: AvroPart, writer: AvroPart): boolean {
    return this.#pairs.reads(reader, writer, () => this.#compare(reader, writer));
  }

  #compare(reader: AvroPart, writer: AvroPart): readonly Problem[] {
    if (writer.type === 'union') return this.#fromUnion(reader, writer.branches);
    if (reader.type === 'union') return this.#toUnion(reader.branches, writer);
    if (reader.type === 'array' && writer.type === 'array')
      return under([{ token: 'items', name: '[]' }], this.problems(reader.items, writer.items));
    if (reader.type === 'map' && writer.type === 'map')
      return under([{ token: 'values', name: '{}' }], this.problems(reader.values, writer.values));
    if (reader.type === 'record' && writer.type === 'record')
      return [...compareNames(reader, writer), ...this.#fields(reader, writer)];
    if (reader.type === 'enum' && writer.type === 'enum')
      return [...compareNames(reader, writer), ...compareSymbols(reader, writer)];
    if (reader.type === 'fixed' && writer.type === 'fixed')
      return [...compareNames(reader, writer), ...compareSizes(reader, writer), ...compareDecimals(reader, writer)];
    const reads = reader.type === writer.type || promotions[reader.type]?.includes(writer.type) === true;
    return reads ? compareDecimals(reader, writer) : [typeMismatch(reader, writer)];
  }

  /** Each branch must be readable, also where the reader has no union. */
  #fromUnion(reader: AvroPart, branches: readonly AvroPart[]): readonly Problem[] {
    return branches.flatMap((branch, i) => under([{ token: String(i) }], this.problems(reader, branch)));
  }

  #toUnion(branches: readonly AvroPart[], writer: AvroPart): readonly Problem[] {
    const likely = branches.filter((branch) => mayMean(branch, writer));
    this.#effort.spend(Math.ceil(branches.length / namesPerStep));
    if (likely.some((branch) => this.#reads(branch, writer))) return [];
    const [nearest] = likely;
    // What differs within is worth saying where there is no doubt which branch is meant.
    const within = nearest?.type === writer.type && likely.length === 1 ? this.problems(nearest, writer) : [];
    return [missingBranch(branches, writer), ...within];
  }

  #fields(reader: AvroRecord, writer: AvroRecord): readonly Problem[] {
    const written = new Map(writer.fields.map((field) => [field.name, field]));
    return reader.fields.flatMap((field, i) => {
      const step: Step = { token: `fields/${i}`, name: field.name };
      const sources = sourcesOf(field, written);
      const [source] = sources;
      if (sources.length > 1) return under([step], [ambiguous(sources)]);
      if (source === undefined) return field.hasDefault ? [] : under([step], [missingDefault(field)]);
      return under([step, { token: 'type' }], this.problems(field.part, source.part));
    });
  }
}

function sourcesOf(field: AvroField, written: ReadonlyMap<string, AvroField>): readonly AvroField[] {
  const names = new Set([field.name, ...field.aliases]);
  return [...names].flatMap((name) => written.get(name) ?? []);
}

/** False where a branch certainly does not read what the writer has: the rest is worth comparing. */
function mayMean(branch: AvroPart, writer: AvroPart): boolean {
  if (branch.type !== writer.type) return promotions[branch.type]?.includes(writer.type) === true;
  return !('name' in branch && 'name' in writer) || isNamedFor(branch, writer);
}

function isNamedFor(reader: AvroNamed, writer: AvroNamed): boolean {
  return reader.name === writer.name || reader.aliases.has(writer.fullName);
}

function compareNames(reader: AvroNamed, writer: AvroNamed): readonly Problem[] {
  if (isNamedFor(reader, writer)) return [];
  return [
    problem(
      'NAME_MISMATCH',
      (where, roles) =>
        `${where} is called \`${inline(writer.fullName)}\` in ${roles.writer} and \`${inline(reader.fullName)}\` in ` +
        `${roles.reader}, without an alias for it`,
      [{ token: 'name' }],
    ),
  ];
}

function compareSymbols(reader: AvroEnum, writer: AvroEnum): readonly Problem[] {
  const missing = [...writer.symbols].filter((symbol) => !reader.symbols.has(symbol));
  if (missing.length === 0) return [];
  if (reader.defaultSymbol !== undefined && reader.symbols.has(reader.defaultSymbol)) return [];
  return [
    problem(
      'MISSING_ENUM_SYMBOLS',
      (where, roles) =>
        `the enum of ${where} has ${listed(missing)} in ${roles.writer} but not in ${roles.reader}, and no default there`,
      [{ token: 'symbols' }],
    ),
  ];
}

function compareSizes(reader: AvroFixed, writer: AvroFixed): readonly Problem[] {
  if (reader.size === writer.size) return [];
  return [
    problem(
      'FIXED_SIZE_MISMATCH',
      (where, roles) => `${where} is ${writer.size} bytes in ${roles.writer} and ${reader.size} in ${roles.reader}`,
      [{ token: 'size' }],
    ),
  ];
}

/** A decimal is its bytes and, in the schema, its scale: read with another scale it is another number. */
function compareDecimals(reader: AvroPart, writer: AvroPart): readonly Problem[] {
  if (!('decimal' in reader) || !('decimal' in writer)) return [];
  const { decimal: read } = reader;
  const { decimal: written } = writer;
  if (read === undefined || written === undefined) return [];
  if (read.scale === written.scale && read.precision >= written.precision) return [];
  return [
    problem(
      'TYPE_MISMATCH',
      (where, roles) =>
        `${where} is ${describeAvro(writer)} in ${roles.writer} and ${describeAvro(reader)} in ${roles.reader}`,
      [{ token: read.scale === written.scale ? 'precision' : 'scale' }],
    ),
  ];
}

function typeMismatch(reader: AvroPart, writer: AvroPart): Problem {
  return problem(
    'TYPE_MISMATCH',
    (where, roles) =>
      `${where} is ${inline(describeAvro(writer))} in ${roles.writer} and ${inline(describeAvro(reader))} in ${roles.reader}`,
  );
}

function missingBranch(branches: readonly AvroPart[], writer: AvroPart): Problem {
  return problem(
    'MISSING_UNION_BRANCH',
    (where, roles) =>
      `${where} can be ${inline(describeAvro(writer))} in ${roles.writer}, which is none of the branches in ` +
      `${roles.reader} (${listed(branches.map(describeAvro))})`,
  );
}

function missingDefault({ name, part }: AvroField): Problem {
  return problem(
    'READER_FIELD_MISSING_DEFAULT_VALUE',
    (where, roles) =>
      `the field \`${inline(name)}\` (${inline(describeAvro(part))}, at ${where}) has no default in ${roles.reader} and ` +
      `is missing in ${roles.writer}`,
  );
}

function ambiguous(sources: readonly AvroField[]): Problem {
  return problem(
    'NAME_MISMATCH',
    (where, roles) =>
      `${where} in ${roles.reader} has aliases for several fields of ${roles.writer}: ` +
      listed(sources.map(({ name }) => name)),
  );
}
