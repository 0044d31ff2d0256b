/** A Protobuf schema as comparisons need it: messages and enums by name, fields by number, types as the text has them. */
export interface ProtoFile {
  readonly package: string;
  readonly messages: ReadonlyMap<string, ProtoMessage>;
  readonly enums: ReadonlyMap<string, ProtoEnum>;
}

/** @param types by full name, without a leading dot: those of the file and of all that it imports */
export interface ProtoSchema {
  readonly file: ProtoFile;
  readonly types: ReadonlyMap<string, ProtoType>;
}

export type ProtoType = ProtoMessage | ProtoEnum;

export interface ProtoEnum {
  readonly kind: 'enum';
}

export interface ProtoMessage {
  readonly kind: 'message';
  readonly name: string;
  readonly fullName: string;
  /** Without the package: what stays when a type moves to another. */
  readonly localName: string;
  /** What it was read from: '' for the schema itself, else the text of the reference. */
  readonly origin: string;
  readonly fields: ReadonlyMap<number, ProtoField>;
  /** Names of oneofs, those that `optional` makes in proto3 left out. */
  readonly oneofs: ReadonlySet<string>;
  readonly messages: ReadonlyMap<string, ProtoMessage>;
}

export interface ProtoField {
  readonly tag: number;
  readonly name: string;
  readonly label: 'optional' | 'required' | 'repeated';
  readonly oneof: string | undefined;
  readonly type: ProtoFieldType;
}

/** Map fields have a `key`. `value` is a scalar's name or a type's, as written. */
export interface ProtoFieldType {
  readonly key: string | undefined;
  readonly value: string;
}

/** Scalars that share a group are written alike: https://protobuf.dev/programming-guides/proto3/#updating */
const scalarGroups: ReadonlyMap<string, string> = new Map([
  ...['int32', 'int64', 'uint32', 'uint64', 'bool'].map((name) => [name, 'number'] as const),
  ...['sint32', 'sint64'].map((name) => [name, 'signed'] as const),
  ...['fixed32', 'sfixed32'].map((name) => [name, 'fixed32'] as const),
  ...['fixed64', 'sfixed64'].map((name) => [name, 'fixed64'] as const),
  ...['string', 'bytes'].map((name) => [name, 'text'] as const),
  ['float', 'float'],
  ['double', 'double'],
]);

/** Undefined where it is a message. Enums are written as numbers. */
export function scalarGroup(name: string, type: ProtoType | undefined): string | undefined {
  return type?.kind === 'enum' ? 'number' : scalarGroups.get(name);
}

/** The type that a name means within a message: innermost scope first, as in the language. */
export function resolveType(schema: ProtoSchema, name: string, within: string): ProtoType | undefined {
  if (name.startsWith('.')) return schema.types.get(name.slice(1));
  for (let scope = within; scope !== ''; scope = scope.slice(0, Math.max(scope.lastIndexOf('.'), 0))) {
    const found = schema.types.get(`${scope}.${name}`);
    if (found !== undefined) return found;
  }
  return schema.types.get(name);
}

export function describeProto({ key, value }: ProtoFieldType): string {
  return key === undefined ? value : `map<${key}, ${value}>`;
}
