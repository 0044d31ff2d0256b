/**
 * One .proto file with all that it imports: the well-known types come with protobufjs, everything else has to be among
 * the references, by the path in the import.
 */
import protobuf, { type NamespaceBase, type Root, type Type } from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { reasonOf } from '../errors.ts';
import type { ReferencedSchema } from './registry.ts';

export interface ProtobufFile {
  readonly root: Root;
  /** What the file is in. */
  readonly namespace: NamespaceBase;
  readonly imports: readonly string[];
  /** Those that no other holds, in the file's order, which the wire format counts by. */
  readonly messages: readonly Type[];
  /** Names of all that no other holds, in the file's order. */
  readonly names: readonly string[];
}

const descriptorPath = 'google/protobuf/descriptor.proto';

/** @throws Error whose message names the line, the import or the type */
export function parseProtobuf(text: string, references: readonly ReferencedSchema[] = []): ProtobufFile {
  const root = new protobuf.Root();
  const known = new Set(references.map(({ name }) => name));
  for (const { name, schema } of references) addImports(root, parseInto(root, schema, name), known);
  const alone = protobuf.parse(text);
  addImports(root, importsOf(alone), known);
  const names = namespaceOf(alone.root, alone.package).nestedArray.map(({ name }) => name);
  parseInto(root, text);
  root.resolveAll();
  const namespace = namespaceOf(root, alone.package);
  const messages = names.map((name) => namespace.get(name)).filter((one) => one instanceof protobuf.Type);
  return { root, namespace, imports: importsOf(alone), messages, names };
}

/** What tells two files apart: no spaces, no comments. @throws Error where it cannot be read */
export function protobufTokens(text: string): readonly string[] {
  const { next } = protobuf.tokenize(text, false);
  const tokens: string[] = [];
  for (let token = next(); token !== null; token = next()) tokens.push(token);
  return tokens;
}

/** protobufjs takes time in the square of the fields of a message: for these, about a second. */
const mostFields = 1_500;

/** Statements are counted, most of which are fields; those in a `oneof` are its message's. @throws Error */
export function refuseLargeMessages(text: string): void {
  const tokens = protobufTokens(text);
  const open: { readonly kind: string; statements: number }[] = [];
  let squares = 0;
  let kind = '';
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as string;
    if (token === '"' || token === "'") at += 2; // the string, and the quote behind it
    else if (token === '{') open.push({ kind, statements: 0 });
    else if (token === '}') {
      const { kind: closed, statements } = open.pop() ?? { kind, statements: 0 };
      const around = open.at(-1);
      if (closed === 'oneof' && around) around.statements += statements;
      else if (closed !== 'enum') squares += statements ** 2;
    } else if (token === ';') {
      const within = open.at(-1);
      if (within) within.statements += 1;
    }
    kind = ['{', '}', ';'].includes(token) ? '' : kind || token;
  }
  if (squares > mostFields ** 2) throw new Error(`its messages are larger than one of ${mostFields} fields`);
}

function parseInto(root: Root, text: string, name?: string): readonly string[] {
  try {
    return importsOf(protobuf.parse(text, root));
  } catch (error) {
    if (name === undefined) throw error;
    throw new Error(`reference ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

function importsOf({ imports = [], weakImports = [] }: protobuf.IParserResult): readonly string[] {
  return [...imports, ...weakImports];
}

function addImports(root: Root, imports: readonly string[], known: Set<string>): void {
  for (const path of imports) {
    if (known.has(path)) continue;
    known.add(path);
    if (path === descriptorPath) root.addJSON(descriptorTypes());
    else root.addJSON(wellKnownTypes(path));
  }
}

type Nested = NonNullable<protobuf.INamespace['nested']>;

function wellKnownTypes(path: string): Nested {
  const known = protobuf.common.get(path);
  if (known?.nested) return known.nested;
  throw new Error(`the import ${JSON.stringify(path)} is not among the references`);
}

function descriptorTypes(): Nested {
  const nested = (descriptor as unknown as NamespaceBase).toJSON().nested ?? {};
  return { google: { nested: { protobuf: { nested } } } };
}

function namespaceOf(root: Root, path: string | undefined): NamespaceBase {
  if (path === undefined) return root;
  const found = root.lookup(path, [protobuf.Namespace]);
  if (found instanceof protobuf.Namespace) return found;
  throw new Error(`the package ${path} is also the name of something else`);
}
