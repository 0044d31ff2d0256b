/**
 * A FileDescriptorProto, which is how some clients send a schema, as the text of its .proto file: one form for all files
 * that mean the same, to be read by people. Custom options are not in it.
 */
import descriptor, {
  type IDescriptorProto,
  type IEnumDescriptorProto,
  type IFieldDescriptorProto,
  type IFileDescriptorProto,
  type IServiceDescriptorProto,
} from 'protobufjs/ext/descriptor.js';

/** Undefined where the schema is no FileDescriptorProto in base64. */
export function textOfDescriptor(schema: string): string | undefined {
  // Every .proto file that says anything has a brace, a semicolon or a quote.
  if (!/^[A-Za-z0-9+/\s]+={0,2}\s*$/.test(schema)) return undefined;
  const file = descriptor.FileDescriptorProto.decode(Buffer.from(schema, 'base64'));
  return printFile(descriptor.FileDescriptorProto.toObject(file, { enums: String }));
}

function printFile(file: IFileDescriptorProto): string {
  const { syntax = 'proto2', dependency = [], publicDependency = [], weakDependency = [] } = file;
  if (file.edition !== undefined && file.edition !== 0)
    throw new Error('a descriptor of another edition than proto2 or proto3: send the text of the file');
  const scope: Scope = { syntax, indent: '' };
  const imports = dependency.map((path: string, i: number) => {
    const kind = publicDependency.includes(i) ? 'public ' : weakDependency.includes(i) ? 'weak ' : '';
    return `import ${kind}${JSON.stringify(path)};\n`;
  });
  const parts = [
    file.package === undefined || file.package === '' ? '' : `package ${file.package};\n`,
    imports.join(''),
    optionsOf(file.options)
      .map(([name, value]) => `option ${name} = ${value};\n`)
      .join(''),
    ...(file.messageType ?? []).map((message) => printMessage(message, scope)),
    ...(file.enumType ?? []).map((type) => printEnum(type, scope)),
    ...printExtensions(file.extension ?? [], scope),
    ...(file.service ?? []).map((service) => printService(service)),
  ];
  return `syntax = ${JSON.stringify(syntax)};\n${parts
    .filter((part) => part !== '')
    .map((part) => `\n${part}`)
    .join('')}`;
}

interface Scope {
  readonly syntax: string;
  readonly indent: string;
}

function printMessage(message: IDescriptorProto, { syntax, indent }: Scope): string {
  const inner = { syntax, indent: `${indent}  ` };
  const { nestedType = [], enumType = [], extension = [], field = [], oneofDecl = [] } = message;
  const entries = new Map(nestedType.filter(isMapEntry).map((entry) => [entry.name, entry]));
  const oneofs = oneofDecl.map((oneof, i) => {
    const members = field.filter(({ oneofIndex, proto3Optional }) => oneofIndex === i && proto3Optional !== true);
    const lines = members.map((one) => `${inner.indent}  ${printField(one, '', entries)}`).join('');
    return members.length === 0 ? '' : `${inner.indent}oneof ${oneof.name} {\n${lines}${inner.indent}}\n`;
  });
  const printed = new Set<number>();
  const fields = field.map((one) => {
    const { oneofIndex, proto3Optional } = one;
    if (oneofIndex === undefined || oneofIndex === null || proto3Optional === true)
      return `${inner.indent}${printField(one, labelOf(one, syntax), entries)}`;
    if (printed.has(oneofIndex)) return '';
    printed.add(oneofIndex);
    return oneofs[oneofIndex] ?? '';
  });
  const body = [
    ...optionsOf(message.options).map(([name, value]) => `${inner.indent}option ${name} = ${value};\n`),
    ...fields,
    ...(message.extensionRange ?? []).map((range) => `${inner.indent}extensions ${rangeText(range, 1)};\n`),
    ...printReserved(message.reservedRange ?? [], message.reservedName ?? [], 1, inner.indent),
    ...nestedType.filter((nested) => !isMapEntry(nested)).map((nested) => printMessage(nested, inner)),
    ...enumType.map((type) => printEnum(type, inner)),
    ...printExtensions(extension, inner),
  ];
  return `${indent}message ${message.name} {\n${body.join('')}${indent}}\n`;
}

function isMapEntry({ options }: IDescriptorProto): boolean {
  return options?.mapEntry === true;
}

function labelOf({ label, proto3Optional }: IFieldDescriptorProto, syntax: string): string {
  if (String(label) === 'LABEL_REPEATED') return 'repeated ';
  if (String(label) === 'LABEL_REQUIRED') return 'required ';
  return syntax === 'proto2' || proto3Optional === true ? 'optional ' : '';
}

function printField(
  field: IFieldDescriptorProto,
  label: string,
  entries: ReadonlyMap<unknown, IDescriptorProto>,
): string {
  const { name, number, defaultValue, jsonName } = field;
  const options = optionsOf(field.options);
  if (jsonName !== undefined && jsonName !== null && jsonName !== '' && jsonName !== usualJsonName(name ?? ''))
    options.unshift(['json_name', JSON.stringify(jsonName)]);
  if (defaultValue !== undefined && defaultValue !== null) options.unshift(['default', printDefault(field)]);
  const suffix =
    options.length === 0 ? '' : ` [${options.map(([option, value]) => `${option} = ${value}`).join(', ')}]`;
  const entry = entries.get(field.typeName?.split('.').at(-1));
  const [key, value] = entry?.field ?? [];
  if (key && value) return `map<${typeOf(key)}, ${typeOf(value)}> ${name} = ${number}${suffix};\n`;
  return `${label}${typeOf(field)} ${name} = ${number}${suffix};\n`;
}

function typeOf({ type, typeName }: IFieldDescriptorProto): string {
  if (String(type) === 'TYPE_GROUP') throw new Error('a descriptor with a group: send the text of the file');
  return typeName !== undefined && typeName !== null && typeName !== ''
    ? typeName
    : String(type).replace('TYPE_', '').toLowerCase();
}

function printDefault({ type, defaultValue }: IFieldDescriptorProto): string {
  return ['TYPE_STRING', 'TYPE_BYTES'].includes(String(type)) ? JSON.stringify(defaultValue) : String(defaultValue);
}

function usualJsonName(name: string): string {
  return name.replaceAll(/_+(.?)/g, (_, letter: string) => letter.toUpperCase());
}

function printEnum({ name, value = [], options, ...reserved }: IEnumDescriptorProto, { indent }: Scope): string {
  const inner = `${indent}  `;
  const { reservedRange = [], reservedName = [] } = reserved as IDescriptorProto;
  const body = [
    ...optionsOf(options).map(([option, set]) => `${inner}option ${option} = ${set};\n`),
    ...value.map((one) => `${inner}${one.name} = ${one.number ?? 0};\n`),
    ...printReserved(reservedRange, reservedName, 0, inner),
  ];
  return `${indent}enum ${name} {\n${body.join('')}${indent}}\n`;
}

interface Range {
  readonly start?: number | null;
  readonly end?: number | null;
}

/** @param beyond how far the end lies behind the last number: messages and enums differ */
function rangeText({ start, end }: Range, beyond: number): string {
  const [first, last] = [start ?? 0, (end ?? 0) - beyond];
  return first === last ? String(first) : `${first} to ${last >= 536_870_911 ? 'max' : last}`;
}

function printReserved(ranges: readonly Range[], names: readonly string[], beyond: number, indent: string): string[] {
  const numbers = ranges.map((range) => rangeText(range, beyond)).join(', ');
  const quoted = names.map((name) => JSON.stringify(name)).join(', ');
  return [numbers, quoted].filter((list) => list !== '').map((list) => `${indent}reserved ${list};\n`);
}

function printExtensions(fields: readonly IFieldDescriptorProto[], { syntax, indent }: Scope): string[] {
  return fields.map(
    (field) =>
      `${indent}extend ${field.extendee} {\n${indent}  ${printField(field, labelOf(field, syntax), new Map())}${indent}}\n`,
  );
}

function printService({ name, method = [] }: IServiceDescriptorProto): string {
  const methods = method.map(
    ({ name: call, inputType, outputType, clientStreaming, serverStreaming }) =>
      `  rpc ${call} (${clientStreaming === true ? 'stream ' : ''}${inputType}) returns (${serverStreaming === true ? 'stream ' : ''}${outputType});\n`,
  );
  return `service ${name} {\n${methods.join('')}}\n`;
}

/** Those with a plain value, by their names in the file. */
function optionsOf(options: object | null | undefined): [name: string, value: string][] {
  return Object.entries(options ?? {}).flatMap(([name, value]): [string, string][] => {
    const option = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (option === 'map_entry') return [];
    if (typeof value === 'boolean') return [[option, String(value)]];
    if (typeof value !== 'string') return [];
    return [[option, isName.has(option) ? value : JSON.stringify(value)]];
  });
}

/** Options whose value is the name of an enum's value. */
const isName = new Set(['optimize_for', 'ctype', 'jstype', 'idempotency_level', 'retention']);
