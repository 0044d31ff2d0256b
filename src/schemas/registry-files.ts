/**
 * The embedded registry's files, to be read by people too and never changed once written:
 *
 *   ids/<id>.json                            { id, type, schema }
 *   subjects/<subject>/<version>.json        { subject, version, id }
 *
 * A schema's file is durable before any version names it, so a kill between the two leaves at most an id without a
 * subject, which the same schema takes up again.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors.ts';
import { createDurably, syncDirectory } from './durable-file.ts';
import type { SchemaType } from './registry.ts';

export interface SchemaFile {
  readonly id: number;
  readonly type: SchemaType;
  readonly schema: string;
}

export interface VersionFile {
  readonly subject: string;
  readonly version: number;
  readonly id: number;
}

export const idsOf = (dir: string): string => join(dir, 'ids');
export const subjectsOf = (dir: string): string => join(dir, 'subjects');

/** File systems take 255 bytes. */
const maxFolderBytes = 255;

/**
 * Subjects are others' words: small letters, digits, `_`, `-` and inner dots stand for themselves, the rest is
 * percent-encoded; capitals too, since some file systems take them for small ones.
 * @throws Fault SCHEMA_INVALID where the subject cannot be a folder
 */
export function subjectFolder(subject: string): string {
  if (subject === '' || !subject.isWellFormed())
    throw new Fault('SCHEMA_INVALID', `${JSON.stringify(subject)} cannot be a subject: it is empty or no Unicode`);
  const folder = Array.from(Buffer.from(subject), percentEncoded).join('').replace(/^\./, '%2E');
  if (folder.length > maxFolderBytes)
    throw new Fault('SCHEMA_INVALID', `the subject ${subject.slice(0, 40)}... is longer than ${maxFolderBytes} bytes`);
  return folder;
}

function percentEncoded(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9_.-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * The numbers of the files `<number>.json` in a folder that are not known yet, ascending. They are durable then: who
 * wrote them may have been killed before that.
 */
export async function newNumbersIn(folder: string, isKnown: (number: number) => boolean): Promise<readonly number[]> {
  const names = await readdir(folder);
  const numbers = names.flatMap((name) => (/^[1-9]\d{0,9}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
  const unknown = numbers.filter((number) => !isKnown(number)).toSorted((a, b) => a - b);
  if (unknown.length > 0) await syncDirectory(folder);
  return unknown;
}

export async function subjectFolders(dir: string): Promise<readonly string[]> {
  const entries = await readdir(subjectsOf(dir), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
}

export async function makeFolder(folder: string, parent: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await syncDirectory(parent);
}

/** @returns false where the id is taken */
export function createSchemaFile(dir: string, file: SchemaFile): Promise<boolean> {
  return createDurably(join(idsOf(dir), `${file.id}.json`), `${JSON.stringify(file, null, 2)}\n`);
}

/** @returns false where the version is taken */
export async function createVersionFile(dir: string, file: VersionFile): Promise<boolean> {
  const folder = join(subjectsOf(dir), subjectFolder(file.subject));
  await makeFolder(folder, subjectsOf(dir));
  return createDurably(join(folder, `${file.version}.json`), `${JSON.stringify(file, null, 2)}\n`);
}

export async function readSchemaFile(dir: string, id: number): Promise<SchemaFile> {
  const path = join(idsOf(dir), `${id}.json`);
  const { type, schema } = await readJson(path);
  if ((type !== 'AVRO' && type !== 'JSON' && type !== 'PROTOBUF') || typeof schema !== 'string') throw damaged(path);
  return { id, type, schema };
}

export async function readVersionFile(dir: string, folder: string, version: number): Promise<VersionFile> {
  const path = join(subjectsOf(dir), folder, `${version}.json`);
  const { subject, id } = await readJson(path);
  if (typeof subject !== 'string' || typeof id !== 'number' || subjectFolder(subject) !== folder) throw damaged(path);
  return { subject, version, id };
}

async function readJson(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = await readFile(path, 'utf8');
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch (error) {
    throw damaged(path, error);
  }
}

function damaged(path: string, cause?: unknown): Fault {
  return new Fault('SCHEMA_INVALID', `${path} is not as the registry wrote it`, { cause });
}
