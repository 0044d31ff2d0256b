/** Schemas as they are given on the command line: a file with its references, or all of the project's. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { Fault } from '../../errors.ts';
import type { SchemaContent, SchemaReference } from '../../schemas/administration.ts';
import type { SchemaType } from '../../schemas/registry.ts';
import { readSchemaFiles } from '../../schemas/schema-files.ts';
import { configOf } from '../options.ts';
import type { RegistryOptions } from './reach-registry.ts';

export interface FileOptions {
  readonly type?: SchemaType;
  readonly reference?: readonly SchemaReference[];
}

export interface GivenSchema {
  readonly subject: string;
  readonly content: SchemaContent;
  readonly path: string;
}

const endings: readonly (readonly [ending: string, type: SchemaType])[] = [
  ['.avsc', 'AVRO'],
  ['.json', 'JSON'],
  ['.proto', 'PROTOBUF'],
];

/** One file, or without arguments the files of `schemasDir`, by their names. @throws Fault USAGE, or why a file cannot be read */
export async function givenSchemas(
  subject: string | undefined,
  file: string | undefined,
  options: RegistryOptions & FileOptions,
): Promise<readonly GivenSchema[]> {
  if (subject !== undefined && file !== undefined) return [await givenSchema(subject, file, options)];
  if (subject !== undefined) throw new Fault('USAGE', 'a subject needs a file');
  const { schemasDir } = configOf(options);
  const files = await readSchemaFiles(schemasDir);
  if (files.length === 0) throw new Fault('USAGE', `there are no schemas in ${schemasDir}: name a subject and a file`);
  return files.map(({ path, subject: of, type, schema }) => ({
    subject: of,
    path,
    content: { type, schema, references: [] },
  }));
}

async function givenSchema(subject: string, path: string, options: FileOptions): Promise<GivenSchema> {
  const type = options.type ?? endings.find(([ending]) => path.endsWith(ending))?.[1];
  if (type === undefined) throw new Fault('USAGE', `${path} ends neither in .avsc nor .json nor .proto: say --type`);
  const schema = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Fault('USAGE', `${path} cannot be read (${error.code})`, { cause: error });
  });
  return { subject, path, content: { type, schema, references: options.reference ?? [] } };
}

/** `name=subject@version`, for commander, which gathers them. */
export function reference(text: string, others: readonly SchemaReference[] = []): readonly SchemaReference[] {
  const [, name, subject, version] = /^([^=]+)=(.+)@([1-9]\d{0,8}|latest)$/.exec(text) ?? [];
  if (name === undefined || subject === undefined)
    throw new InvalidArgumentError('Expected name=subject@version, such as address.proto=address@1.');
  return [...others, { name, subject, version: version === 'latest' ? -1 : Number(version) }];
}
