/**
 * Whether what fits one JSON Schema fits another, by the rules of Confluent's registry: its content models (open, closed,
 * partially open), its pairing of combined schemas, and its kinds. Like it, this does not compare `format`, `contains`,
 * `propertyNames`, `if`/`then`/`else`, nor the patterns of `patternProperties` with one another.
 */
import type { Effort } from '../effort.ts';
import { Pairs } from '../pairs.ts';
import type { Comparison, ParsedSchemaText } from '../parsed-schema.ts';
import { inline, type Problem, problem, under } from '../problem.ts';
import { compareArrays } from './compare-arrays.ts';
import { compareCombined } from './compare-combined.ts';
import { compareObjects } from './compare-objects.ts';
import { compareConsts, compareEnums, compareNumbers, compareStrings } from './compare-values.ts';
import { Documents } from './documents.ts';
import { Identities } from './identities.ts';
import { type CombinedPart, describeJson, type JsonPart } from './json-part.ts';
import { JsonReader } from './read-json.ts';

/** @throws Fault SCHEMA_INVALID @throws TooComplex */
export function jsonProblems(readerText: ParsedSchemaText, writerText: ParsedSchemaText, effort: Effort): Comparison {
  const identities = new Identities();
  const [reader, writer] = [readerText, writerText].map((text) =>
    new JsonReader(new Documents(text, effort), identities, effort).root(),
  ) as [JsonPart, JsonPart];
  const pairs = new Pairs<JsonPart>(effort);
  const comparison = new JsonComparison(pairs, effort);
  return { problems: pairs.settle(() => comparison.problems(reader, writer)), root: '', pathPrefix: '#/' };
}

/** What comparisons of parts ask of the whole. */
export interface JsonComparer {
  readonly effort: Effort;
  /** Paths are relative to the pair. None on the reader's side reads all; none on the writer's side wrote anything. */
  problems(reader: JsonPart | undefined, writer: JsonPart | undefined): readonly Problem[];
  /** Whether there are none, for less. */
  reads(reader: JsonPart | undefined, writer: JsonPart | undefined): boolean;
}

class JsonComparison implements JsonComparer {
  readonly effort: Effort;
  readonly #pairs: Pairs<JsonPart>;

  constructor(pairs: Pairs<JsonPart>, effort: Effort) {
    this.#pairs = pairs;
    this.effort = effort;
  }

  problems(reader: JsonPart | undefined, writer: JsonPart | undefined): readonly Problem[] {
    if (reader === undefined) return [];
    if (writer === undefined) return [schemaAdded(reader)];
    const read = followed(reader);
    const written = followed(writer);
    return this.#pairs.problems(read, written, () => this.#compare(read, written));
  }

  reads(reader: JsonPart | undefined, writer: JsonPart | undefined): boolean {
    if (reader === undefined || writer === undefined) return reader === undefined;
    const read = followed(reader);
    const written = followed(writer);
    return this.#pairs.reads(read, written, () => this.#compare(read, written));
  }

  #compare(reader: JsonPart, writer: JsonPart): readonly Problem[] {
    if (this.#readsInOnePart(reader, writer)) return [];
    if (reader.kind === 'any' || writer.kind === 'nothing') return [];
    if (reader.kind !== writer.kind)
      return reader.isConnectBytes && writer.isConnectBytes ? [] : [changed(reader, writer)];
    return this.#compareAlike(reader, writer);
  }

  /** One of a union's branches reads what was no union; one of the constraints that were is all that is left. */
  #readsInOnePart(reader: JsonPart, writer: JsonPart): boolean {
    if (reader.kind === 'combined' && writer.kind !== 'combined' && (isSingle(reader) || reader.criterion !== 'allOf'))
      return reader.parts.some((part) => this.reads(part, writer));
    if (writer.kind === 'combined' && reader.kind !== 'combined' && (isSingle(writer) || writer.criterion === 'allOf'))
      return writer.parts.some((part) => this.reads(reader, part));
    return false;
  }

  #compareAlike(reader: JsonPart, writer: JsonPart): readonly Problem[] {
    if (reader.kind === 'string' && writer.kind === 'string') return compareStrings(reader, writer);
    if (reader.kind === 'number' && writer.kind === 'number') return compareNumbers(reader, writer);
    if (reader.kind === 'enum' && writer.kind === 'enum') return compareEnums(reader, writer);
    if (reader.kind === 'const' && writer.kind === 'const') return compareConsts(reader, writer);
    if (reader.kind === 'object' && writer.kind === 'object') return compareObjects(this, reader, writer);
    if (reader.kind === 'array' && writer.kind === 'array') return compareArrays(this, reader, writer);
    if (reader.kind === 'combined' && writer.kind === 'combined') return compareCombined(this, reader, writer);
    if (reader.kind === 'not' && writer.kind === 'not')
      return this.reads(writer.part, reader.part) ? [] : under([{ token: 'not' }], [notExtended()]);
    if (reader.kind === 'reference' && writer.kind === 'reference' && reader.reference !== writer.reference)
      return [changed(reader, writer)];
    return [];
  }
}

/** What a chain of references ends in; a reference itself where that is not among the texts, or where they go round. */
function followed(part: JsonPart): JsonPart {
  let end = part;
  for (const seen = new Set<JsonPart>(); end.kind === 'reference' && !seen.has(end);) {
    seen.add(end);
    end = end.target() ?? end;
  }
  return end;
}

function isSingle({ parts }: CombinedPart): boolean {
  return parts.length === 1;
}

function changed(reader: JsonPart, writer: JsonPart): Problem {
  return problem(
    'TYPE_CHANGED',
    (where, roles) =>
      `${where} is ${inline(describeJson(writer))} in ${roles.writer} and ${inline(describeJson(reader))} in ${roles.reader}`,
  );
}

function schemaAdded(reader: JsonPart): Problem {
  return problem(
    'SCHEMA_ADDED',
    (where, roles) =>
      `${where} must be ${inline(describeJson(reader))} in ${roles.reader} and can be anything in ${roles.writer}`,
  );
}

function notExtended(): Problem {
  return problem(
    'NOT_TYPE_EXTENDED',
    (where, roles) => `\`not\` of ${where} excludes more in ${roles.reader} than in ${roles.writer}`,
  );
}
