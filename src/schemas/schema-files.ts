/** The schemas that a project keeps beside its code, in `schemas/`, registered at start. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, isFault } from '../errors.ts';
import type { RegisteredSchema, SchemaRegistry, SchemaType } from './registry.ts';

const endings: readonly (readonly [ending: string, type: SchemaType])[] = [
  ['.avsc', 'AVRO'],
  ['.schema.json', 'JSON'],
  ['.proto', 'PROTOBUF'],
];

export interface SchemaFiles {
  /** `<subject>.avsc`, `<subject>.schema.json`, `<subject>.proto`; other files are let be, and so is a missing directory. */
  readonly dir: string;
  readonly registry: SchemaRegistry;
}

export interface ProjectSchema {
  readonly path: string;
  readonly subject: string;
  readonly type: SchemaType;
  readonly schema: string;
}

/** In order of the files' names. @throws Fault of the registry, with the file's path */
export async function loadSchemaFiles({ dir, registry }: SchemaFiles): Promise<readonly RegisteredSchema[]> {
  const registered: RegisteredSchema[] = [];
  for (const { path, subject, type, schema } of await readSchemaFiles(dir)) {
    try {
      registered.push(await registry.register(subject, type, schema));
    } catch (error) {
      if (!isFault(error)) throw error;
      throw new Fault(error.code, `${path}: ${error.message}`, { cause: error });
    }
  }
  return registered;
}

/** In order of the files' names. */
export async function readSchemaFiles(dir: string): Promise<readonly ProjectSchema[]> {
  const files: ProjectSchema[] = [];
  for (const name of await namesIn(dir)) {
    const kind = endings.find(([ending]) => name.endsWith(ending) && name.length > ending.length);
    if (kind === undefined) continue;
    const [ending, type] = kind;
    const path = join(dir, name);
    files.push({ path, subject: name.slice(0, -ending.length), type, schema: await readFile(path, 'utf8') });
  }
  return files;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return (await readdir(dir)).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
