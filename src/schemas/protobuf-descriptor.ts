/** The text of a .proto file as a FileDescriptorProto in base64, which clients without a parser ask for (`?format=serialized`). */
import protobuf, { type Method, type Service, type Type } from 'protobufjs';
import descriptor, {
  type IDescriptorProto,
  type IFieldDescriptorProto,
  type IServiceDescriptorProto,
} from 'protobufjs/ext/descriptor.js';
import { parseProtobuf, protobufTokens } from './protobuf-file.ts';
import type { ReferencedSchema } from './registry.ts';

/** @throws Error where the text cannot be read */
export function descriptorOf(text: string, references: readonly ReferencedSchema[], name: string): string {
  const { namespace, imports, names } = parseProtobuf(text, references);
  const syntax = syntaxOf(text);
  const file = descriptor.FileDescriptorProto.create({ name, dependency: [...imports] });
  if (namespace.fullName !== '') file.package = namespace.fullName.replace(/^\./, '');
  if (syntax !== 'proto2') file.syntax = syntax;
  for (const one of names.map((each) => namespace.get(each))) {
    if (one instanceof protobuf.Type) (file.messageType ??= []).push(messageDescriptor(one, syntax));
    else if (one instanceof protobuf.Enum) (file.enumType ??= []).push(one.toDescriptor());
    else if (one instanceof protobuf.Service) (file.service ??= []).push(serviceDescriptor(one));
    else if (one instanceof protobuf.Field) (file.extension ??= []).push(one.toDescriptor(syntax));
  }
  const bytes = descriptor.FileDescriptorProto.encode(file).finish();
  return Buffer.from(bytes).toString('base64');
}

function serviceDescriptor(service: Service): IServiceDescriptorProto {
  const described = service.toDescriptor();
  for (const [i, method] of service.methodsArray.entries()) {
    const call = described.method?.[i];
    const { resolvedRequestType, resolvedResponseType } = method.resolve() as Method;
    if (call && resolvedRequestType) call.inputType = resolvedRequestType.fullName;
    if (call && resolvedResponseType) call.outputType = resolvedResponseType.fullName;
  }
  return described;
}

function syntaxOf(text: string): string {
  const [keyword, equals, , syntax] = protobufTokens(text);
  if (keyword === 'edition') throw new Error('files of an edition cannot be given as a descriptor');
  return keyword === 'syntax' && equals === '=' && syntax !== undefined ? syntax : 'proto2';
}

/** With names from the root, map entries called as protoc calls them, and the oneofs of optional fields last: readers insist. */
function messageDescriptor(type: Type, syntax: string): IDescriptorProto {
  return named(type, type.toDescriptor(syntax));
}

function named(type: Type, message: IDescriptorProto): IDescriptorProto {
  for (const [i, field] of type.fieldsArray.entries()) {
    const described = message.field?.[i];
    if (described) nameField(type, field.resolve(), described, message);
  }
  for (const nested of type.nestedArray) {
    const described = message.nestedType?.find(({ name }) => name === nested.name);
    if (nested instanceof protobuf.Type && described) named(nested, described);
  }
  syntheticOneofsLast(message);
  return message;
}

function syntheticOneofsLast(message: IDescriptorProto): void {
  const { oneofDecl = [], field = [] } = message;
  const isSynthetic = (index: number): boolean =>
    field.some(({ oneofIndex, proto3Optional }) => oneofIndex === index && proto3Optional === true);
  const order = [...oneofDecl.keys()].toSorted((a, b) => Number(isSynthetic(a)) - Number(isSynthetic(b)));
  message.oneofDecl = order.map((index) => oneofDecl[index]!);
  for (const one of field) if (Object.hasOwn(one, 'oneofIndex')) one.oneofIndex = order.indexOf(one.oneofIndex ?? 0);
}

function nameField(
  type: Type,
  field: protobuf.Field,
  described: IFieldDescriptorProto,
  message: IDescriptorProto,
): void {
  if (!(field instanceof protobuf.MapField)) {
    if (field.resolvedType) described.typeName = field.resolvedType.fullName;
    return;
  }
  const entry = message.nestedType?.find(
    ({ name, options }) => options?.mapEntry === true && name === described.typeName,
  );
  if (!entry) return;
  entry.name = `${field.protoName.replaceAll(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
  described.typeName = `${type.fullName}.${entry.name}`;
  const value = entry.field?.[1];
  if (value && field.resolvedType) value.typeName = field.resolvedType.fullName;
}
