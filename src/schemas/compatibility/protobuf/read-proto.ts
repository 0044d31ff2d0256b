/** Protobuf schema texts as protobufjs parses them, made into what comparisons need. Imports are found among the references. */
import protobuf from 'protobufjs';
import { Fault, reasonOf } from '../../../errors.ts';
import { type Effort, TooComplex } from '../effort.ts';
import { inline } from '../problem.ts';
import type { ParsedSchemaText } from '../parsed-schema.ts';
import type { ProtoEnum, ProtoField, ProtoFile, ProtoMessage, ProtoSchema, ProtoType } from './proto-file.ts';

/** @throws Fault SCHEMA_INVALID @throws TooComplex */
export function readProto({ schema, references }: ParsedSchemaText, effort: Effort): ProtoSchema {
  const types = new Map<string, ProtoType>();
  const file = new ProtoReader(effort, types, '').read(schema, 'the Protobuf schema');
  for (const { name, schema: text } of references)
    new ProtoReader(effort, types, text).read(text, `the reference ${inline(name)}`);
  return { file, types };
}

class ProtoReader {
  readonly #effort: Effort;
  readonly #types: Map<string, ProtoType>;
  readonly #origin: string;

  constructor(effort: Effort, types: Map<string, ProtoType>, origin: string) {
    this.#effort = effort;
    this.#types = types;
    this.#origin = origin;
  }

  read(text: string, what: string): ProtoFile {
    const { root, package: packageName = '' } = parsed(text, what);
    const prefix = packageName === '' ? '' : `${packageName}.`;
    const all = typesIn(root);
    const messages = all.filter((type) => type instanceof protobuf.Type);
    const enums = all.filter((type) => type instanceof protobuf.Enum);
    return {
      package: packageName,
      messages: new Map(messages.map((type) => [type.name, this.#message(type, prefix)])),
      enums: new Map(enums.map((type) => [type.name, this.#enum(type)])),
    };
  }

  #message(type: protobuf.Type, prefix: string): ProtoMessage {
    return this.#effort.descend(() => {
      const fullName = type.fullName.slice(1);
      const fields = type.fieldsArray.filter(({ declaringField }) => declaringField === null);
      const nested = type.nestedArray.filter((inner) => inner instanceof protobuf.Type);
      for (const inner of type.nestedArray) if (inner instanceof protobuf.Enum) this.#enum(inner);
      this.#effort.spend(fields.length);
      const message: ProtoMessage = {
        kind: 'message',
        name: type.name,
        fullName,
        localName: fullName.startsWith(prefix) ? fullName.slice(prefix.length) : fullName,
        origin: this.#origin,
        fields: new Map(fields.map((field) => [field.id, readField(field)])),
        oneofs: new Set(type.oneofsArray.filter((oneof) => !isOptional(oneof)).map(({ name }) => name)),
        messages: new Map(nested.map((inner) => [inner.name, this.#message(inner, prefix)])),
      };
      this.#note(fullName, message);
      return message;
    });
  }

  #enum(type: protobuf.Enum): ProtoEnum {
    const found: ProtoEnum = { kind: 'enum' };
    this.#note(type.fullName.slice(1), found);
    return found;
  }

  #note(fullName: string, type: ProtoType): void {
    if (!this.#types.has(fullName)) this.#types.set(fullName, type);
  }
}

function parsed(text: string, what: string): protobuf.IParserResult {
  if (text.split(/[;,]/u, maxStatements + 1).length > maxStatements)
    throw new TooComplex(`${what} has more than ${maxStatements} statements`);
  try {
    return protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  } catch (error) {
    throw new Fault('SCHEMA_INVALID', `${what} cannot be read: ${inline(reasonOf(error))}`, { cause: error });
  }
}

/** The parser takes quadratic time for the fields of a message: a second for so many. */
const maxStatements = 5_000;

/** The types of a file, which stand in the namespace of its package. */
function typesIn(namespace: protobuf.NamespaceBase): readonly protobuf.ReflectionObject[] {
  return namespace.nestedArray.flatMap((inner) => {
    if (inner instanceof protobuf.Type || inner instanceof protobuf.Enum) return [inner];
    return inner instanceof protobuf.Namespace ? typesIn(inner) : [];
  });
}

function readField(field: protobuf.Field): ProtoField {
  const { partOf, rule } = field;
  return {
    tag: field.id,
    name: field.name,
    label: rule === 'required' || rule === 'repeated' ? rule : 'optional',
    oneof: partOf === null || isOptional(partOf) ? undefined : partOf.name,
    type: { key: field instanceof protobuf.MapField ? field.keyType : undefined, value: field.type },
  };
}

/** In proto3 `optional` is a oneof of its own, which no one wrote. */
function isOptional({ fieldsArray }: protobuf.OneOf): boolean {
  return fieldsArray.length === 1 && fieldsArray[0]?.options?.['proto3_optional'] === true;
}
