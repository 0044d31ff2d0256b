/**
 * The embedded registry's files, to be read by people too, kept in git if they like, and never changed once written:
 *
 *   ids/<id>.json                     { id, type, schema, references? }
 *   subjects/<subject>/<n>.json       the subject's nth change: { subject, version, id }, { subject, deleted: [1] },
 *                                     { subject, removed: [1] }, { subject, compatibility }, { subject, mode }
 *   settings/<n>.json                 the registry's nth change: { compatibility } or { mode }
 *   changes                           a byte for each change that is made: by its size others see that there is one (registry-mark.ts)
 *
 * Whoever makes the file of the next number has made the change: whole, durable, and once, also with others at it.
 * A schema's file is durable before any version names it, so a kill between the two leaves at most an id without a
 * subject, which the same schema takes up again. What is deleted permanently stays in ids/, so that no id ever means
 * something else.
 */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors.ts';
import { modes, type SchemaReference } from './administration.ts';
import { compatibilityLevels } from './compatibility/compatibility.ts';
import { createDurably, syncDirectory } from '../stores/durable-files.ts';
import type { SchemaType } from './registry.ts';
import { subjectInvalid } from './registry-fault.ts';
import type { SubjectChange } from './subject-state.ts';

/** The id stays when the version that is referred to is deleted permanently and its number given again. */
export interface KeptReference extends SchemaReference {
  readonly id: number;
}

export interface SchemaFile {
  readonly id: number;
  readonly type: SchemaType;
  readonly schema: string;
  readonly references?: readonly KeptReference[];
}

export const idsOf = (dir: string): string => join(dir, 'ids');
export const subjectsOf = (dir: string): string => join(dir, 'subjects');
export const settingsOf = (dir: string): string => join(dir, 'settings');

/** File systems take 255 bytes. */
const maxFolderBytes = 255;

/**
 * Subjects are others' words: small letters, digits, `_`, `-` and inner dots stand for themselves, the rest is
 * percent-encoded; capitals too, since some file systems take them for small ones.
 * @throws RegistryFault SCHEMA_INVALID where the subject cannot be a folder
 */
export function subjectFolder(subject: string): string {
  if (subject === '' || !subject.isWellFormed()) throw subjectInvalid(subject, 'it is empty or no Unicode');
  const folder = Array.from(Buffer.from(subject), percentEncoded).join('').replace(/^\./, '%2E');
  if (folder.length > maxFolderBytes) throw subjectInvalid(subject, `it is longer than ${maxFolderBytes} bytes`);
  return folder;
}

function percentEncoded(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9_.-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * The numbers of the files `<number>.json` in a folder that are above `known`, ascending. They are durable then: who
 * wrote them may have been killed before that.
 */
export async function numbersAbove(known: number, folder: string): Promise<readonly number[]> {
  const unknown = (await listNumbers(folder)).filter((number) => number > known);
  if (unknown.length === 0) return unknown;
  await syncDirectory(folder);
  // A listing may miss one that was made while it was read, and show a later one.
  if (unknown.length === (unknown.at(-1) as number) - known) return unknown;
  return (await listNumbers(folder)).filter((number) => number > known);
}

/** The ids of the schemas that `isKnown` does not know, durable as those of `numbersAbove`. There may be gaps between ids. */
export async function unknownIds(dir: string, isKnown: (id: number) => boolean): Promise<readonly number[]> {
  const folder = idsOf(dir);
  if ((await listNumbers(folder)).every(isKnown)) return [];
  await syncDirectory(folder);
  return (await listNumbers(folder)).filter((id) => !isKnown(id));
}

/** Ascending. */
async function listNumbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder);
  const numbers = names.flatMap((name) => (/^[1-9]\d{0,9}\.json$/.test(name) ? [Number.parseInt(name, 10)] : []));
  return numbers.toSorted((a, b) => a - b);
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
  return createDurably(join(idsOf(dir), `${file.id}.json`), textOf(file));
}

/** @returns false where another change came first */
export async function createChangeFile(
  dir: string,
  { subject, number, change }: { readonly subject: string; readonly number: number; readonly change: SubjectChange },
): Promise<boolean> {
  const folder = join(subjectsOf(dir), subjectFolder(subject));
  await makeFolder(folder, subjectsOf(dir));
  return createDurably(join(folder, `${number}.json`), textOf({ subject, ...change }));
}

/** @returns false where another change came first */
export function createSettingsFile(dir: string, number: number, change: SubjectChange): Promise<boolean> {
  return createDurably(join(settingsOf(dir), `${number}.json`), textOf(change));
}

function textOf(content: object): string {
  return `${JSON.stringify(content, null, 2)}\n`;
}

export async function readSchemaFile(dir: string, id: number): Promise<SchemaFile> {
  const path = join(idsOf(dir), `${id}.json`);
  const { type, schema, references } = await readJson(path);
  if ((type !== 'AVRO' && type !== 'JSON' && type !== 'PROTOBUF') || typeof schema !== 'string') throw damaged(path);
  if (references === undefined) return { id, type, schema };
  if (!Array.isArray(references) || !references.every(isReference)) throw damaged(path);
  return { id, type, schema, references };
}

function isReference(value: unknown): value is KeptReference {
  const { name, subject, version, id } = Object(value) as Record<string, unknown>;
  return [name, subject].every((text) => typeof text === 'string') && [version, id].every(Number.isSafeInteger);
}

export async function readChangeFile(
  dir: string,
  folder: string,
  number: number,
): Promise<{ readonly subject: string; readonly change: SubjectChange }> {
  const path = join(subjectsOf(dir), folder, `${number}.json`);
  const { subject, ...change } = await readJson(path);
  if (typeof subject !== 'string' || subjectFolder(subject) !== folder || !isChange(change)) throw damaged(path);
  return { subject, change };
}

export async function readSettingsFile(dir: string, number: number): Promise<SubjectChange> {
  const path = join(settingsOf(dir), `${number}.json`);
  const change = await readJson(path);
  if (!isChange(change)) throw damaged(path);
  return change;
}

function isChange(content: object): content is SubjectChange {
  const { version, id, deleted, removed, compatibility, mode } = content as Record<string, unknown>;
  return (
    (version === undefined ? id === undefined : [version, id].every(Number.isSafeInteger)) &&
    [deleted, removed].every(isNumbersOrNone) &&
    ([undefined, null, ...compatibilityLevels] as unknown[]).includes(compatibility) &&
    ([undefined, null, ...modes] as unknown[]).includes(mode)
  );
}

function isNumbersOrNone(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.every(Number.isSafeInteger));
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
