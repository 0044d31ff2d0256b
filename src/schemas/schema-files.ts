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

/** In order of the files' names. @throws Fault SCHEMA_INVALID that names the file */
export async function loadSchemaFiles({ dir, registry }: SchemaFiles): Promise<readonly RegisteredSchema[]> {
  const registered: RegisteredSchema[] = [];
  for (const name of await namesIn(dir)) {
    const kind = endings.find(([ending]) => name.endsWith(ending) && name.length > ending.length);
    if (kind === undefined) continue;
    const [ending, type] = kind;
    const path = join(dir, name);
    const schema = await readFile(path, 'utf8');
    try {
      registered.push(await registry.register(name.slice(0, -ending.length), type, schema));
    } catch (error) {
      if (!isFault(error, 'SCHEMA_INVALID')) throw error;
      throw new Fault('SCHEMA_INVALID', `${path}: ${error.message}`, { cause: error });
    }
  }
  return registered;
}

async function namesIn(dir: string): Promise<readonly string[]> {
  try {
    return (await readdir(dir)).toSorted();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
