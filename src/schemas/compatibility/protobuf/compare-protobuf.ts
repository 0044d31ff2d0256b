/**
 * Whether what one Protobuf schema wrote another can read, by the rules of Confluent's registry: fields are known by number,
 * types of one's own by name, and imported types are compared where their texts differ. Changes of enums are compatible.
 */
import type { Effort } from '../effort.ts';
import { Pairs } from '../pairs.ts';
import type { Comparison, ParsedSchemaText } from '../parsed-schema.ts';
import { inline, type Problem, problem, type Step, under } from '../problem.ts';
import { compareFields } from './compare-fields.ts';
import { compareOneofs, droppedMembers } from './compare-oneofs.ts';
import type { ProtoField, ProtoMessage, ProtoSchema } from './proto-file.ts';
import { readProto } from './read-proto.ts';

/** @throws Fault SCHEMA_INVALID @throws TooComplex */
export function protobufProblems(
  readerText: ParsedSchemaText,
  writerText: ParsedSchemaText,
  effort: Effort,
): Comparison {
  const reader = readProto(readerText, effort);
  const writer = readProto(writerText, effort);
  const pairs = new Pairs<ProtoMessage>(effort);
  const comparison = new ProtoComparison(reader, writer, pairs);
  return { problems: pairs.settle(() => comparison.all()), root: '', pathPrefix: '#/' };
}

/** What comparisons of fields ask of the whole. */
export interface ProtoComparer {
  readonly reader: ProtoSchema;
  readonly writer: ProtoSchema;
  /** Whether one imported message reads another; what is wrong is remembered, under the name that they share. */
  readsImported(reader: ProtoMessage, writer: ProtoMessage): boolean;
}

class ProtoComparison implements ProtoComparer {
  readonly reader: ProtoSchema;
  readonly writer: ProtoSchema;
  readonly #pairs: Pairs<ProtoMessage>;
  readonly #imported = new Map<string, readonly Problem[]>();

  constructor(reader: ProtoSchema, writer: ProtoSchema, pairs: Pairs<ProtoMessage>) {
    this.reader = reader;
    this.writer = writer;
    this.#pairs = pairs;
  }

  all(): readonly Problem[] {
    const { file: reader } = this.reader;
    const { file: writer } = this.writer;
    this.#imported.clear();
    return [
      ...(reader.package === writer.package ? [] : [packageChanged(reader.package, writer.package)]),
      ...this.#named(reader.messages, writer.messages),
      ...[...this.#imported.values()].flat(),
    ];
  }

  readsImported(reader: ProtoMessage, writer: ProtoMessage): boolean {
    const problems = this.#messages(reader, writer);
    const steps = reader.localName.split('.').map((name) => ({ token: name, name }));
    if (problems.length > 0) this.#imported.set(reader.fullName, under(steps, problems));
    return problems.length === 0;
  }

  #messages(reader: ProtoMessage, writer: ProtoMessage): readonly Problem[] {
    return this.#pairs.problems(reader, writer, () => [
      ...compareOneofs(reader, writer),
      ...this.#fields(reader, writer),
      ...this.#named(reader.messages, writer.messages),
    ]);
  }

  #named(readers: ReadonlyMap<string, ProtoMessage>, writers: ReadonlyMap<string, ProtoMessage>): readonly Problem[] {
    return [...writers].flatMap(([name, writer]) => {
      const reader = readers.get(name);
      return under([{ token: name, name }], reader === undefined ? [messageRemoved()] : this.#messages(reader, writer));
    });
  }

  #fields(reader: ProtoMessage, writer: ProtoMessage): readonly Problem[] {
    const dropped = droppedMembers(reader, writer);
    const tags = new Set([...writer.fields.keys(), ...reader.fields.keys()]);
    return [...tags]
      .toSorted((a, b) => a - b)
      .flatMap((tag) => {
        const read = reader.fields.get(tag);
        const written = writer.fields.get(tag);
        if (written === undefined) return read?.label === 'required' ? under([at(read)], [requiredAdded(read)]) : [];
        if (read === undefined) return this.#removed(written, dropped);
        const scopes = { reader: reader.fullName, writer: writer.fullName };
        return under(pathOf(read), compareFields(this, scopes, read, written));
      });
  }

  #removed(written: ProtoField, dropped: ReadonlySet<number>): readonly Problem[] {
    if (dropped.has(written.tag)) return under(pathOf(written), [oneofFieldRemoved(written)]);
    return written.label === 'required' ? under([at(written)], [requiredRemoved(written)]) : [];
  }
}

function at({ tag, name }: ProtoField): Step {
  return { token: String(tag), name };
}

function pathOf(field: ProtoField): readonly Step[] {
  return field.oneof === undefined ? [at(field)] : [{ token: field.oneof }, at(field)];
}

function packageChanged(reader: string, writer: string): Problem {
  return problem(
    'PACKAGE_CHANGED',
    (_where, roles) =>
      `the package is \`${inline(writer)}\` in ${roles.writer} and \`${inline(reader)}\` in ${roles.reader}`,
  );
}

function messageRemoved(): Problem {
  return problem(
    'MESSAGE_REMOVED',
    (where, roles) => `the message ${where} is in ${roles.writer}, not in ${roles.reader}`,
  );
}

function requiredAdded({ tag }: ProtoField): Problem {
  return problem(
    'REQUIRED_FIELD_ADDED',
    (where, roles) =>
      `the field ${where} (number ${tag}) is required in ${roles.reader} and missing in ${roles.writer}`,
  );
}

function requiredRemoved({ tag }: ProtoField): Problem {
  return problem(
    'REQUIRED_FIELD_REMOVED',
    (where, roles) =>
      `the field ${where} (number ${tag}) is required in ${roles.writer} and missing in ${roles.reader}`,
  );
}

function oneofFieldRemoved({ tag, oneof = '' }: ProtoField): Problem {
  return problem(
    'ONEOF_FIELD_REMOVED',
    (where, roles) =>
      `${where} (number ${tag}) is one of \`${inline(oneof)}\` in ${roles.writer} and missing in ${roles.reader}`,
  );
}
