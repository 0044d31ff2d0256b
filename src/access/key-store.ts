/**
 * Access keys in a directory, one file a key: `<id>.json`. Several processes may add and revoke at a time, as no file holds two
 * keys; a running server follows the directory (key-ring.ts). Revoked and expired keys stay: they show in lists, and a
 * source that has had a key is not open to everybody because its last one was revoked.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Fault } from '../errors.ts';
import { isKeyId, makeKey } from './access-key.ts';
import { createDurably, makePrivateDirectory, privateMode, replaceDurably } from '../stores/durable-files.ts';

const keyFile = z.strictObject({
  id: z.string().refine(isKeyId),
  name: z.string(),
  /** Lower-case hexadecimal, of the whole key. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The path that it is for, and those below it; default: all. */
  source: z.string().startsWith('/').optional(),
  requestsPerSecond: z.number().positive().optional(),
  /** After decompression. */
  maxBodyBytes: z.int().positive().optional(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
  revokedAt: z.iso.datetime().optional(),
});

/** A key without its secret. Times: RFC 3339 in UTC. */
export type KeyRecord = Readonly<z.output<typeof keyFile>>;

export type NewKeyOptions = Pick<KeyRecord, 'name' | 'source' | 'requestsPerSecond' | 'maxBodyBytes' | 'expiresAt'>;

export interface StoredKeys {
  /** In the order of their making. */
  readonly keys: readonly KeyRecord[];
  /** One for each file that is no key: KEY_FILE_DAMAGED. */
  readonly damaged: readonly Fault[];
}

export type KeyStatus = 'active' | 'expired' | 'revoked';

export function keyStatus({ revokedAt, expiresAt }: KeyRecord, nowMs: number): KeyStatus {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? 'expired' : 'active';
}

/** Whether the key is for the path, in whatever state it is: one for `/dashboard` is for `/dashboard/live`, too. */
export function isKeyFor({ source }: Pick<KeyRecord, 'source'>, path: string): boolean {
  return source === undefined || source === path || path.startsWith(`${source}/`);
}

/** Durable when it resolves; the key is in what it resolves to, and nowhere else. */
export async function addKey(
  dir: string,
  options: NewKeyOptions,
  nowMs: number,
): Promise<{ readonly key: string; readonly record: KeyRecord }> {
  await makePrivateDirectory(dir);
  for (;;) {
    const { id, key, sha256 } = makeKey();
    const record = keyFile.parse({ id, ...options, sha256, createdAt: new Date(nowMs).toISOString() });
    if (await createDurably(pathOf(dir, id), textOf(record), privateMode)) return { key, record };
  }
}

/** Revoking again changes nothing. @throws Fault KEY_UNKNOWN, KEY_FILE_DAMAGED */
export async function revokeKey(dir: string, id: string, nowMs: number): Promise<KeyRecord> {
  const record = isKeyId(id) ? await readKey(dir, id) : undefined;
  if (record === undefined) throw new Fault('KEY_UNKNOWN', `there is no key ${JSON.stringify(id)}`);
  if (record.revokedAt !== undefined) return record;
  const revoked = { ...record, revokedAt: new Date(nowMs).toISOString() };
  await replaceDurably(pathOf(dir, id), textOf(revoked), privateMode);
  return revoked;
}

/** No keys where there is no directory. */
export async function readKeys(dir: string): Promise<StoredKeys> {
  const keys: KeyRecord[] = [];
  const damaged: Fault[] = [];
  for (const name of await namesIn(dir)) {
    const id = /^(.*)\.json$/.exec(name)?.[1] ?? '';
    if (!isKeyId(id)) continue;
    try {
      const record = await readKey(dir, id);
      if (record !== undefined) keys.push(record);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      damaged.push(error);
    }
  }
  return { keys: keys.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1)), damaged };
}

async function readKey(dir: string, id: string): Promise<KeyRecord | undefined> {
  const text = await unlessMissing(readFile(pathOf(dir, id), 'utf8'));
  if (text === undefined) return undefined;
  try {
    const record = keyFile.parse(JSON.parse(text));
    if (record.id === id) return record;
  } catch (error) {
    throw new Fault('KEY_FILE_DAMAGED', `${pathOf(dir, id)} is not a key as tributary keys add writes it`, {
      cause: error,
    });
  }
  throw new Fault('KEY_FILE_DAMAGED', `${pathOf(dir, id)} holds another key than its name says`);
}

async function namesIn(dir: string): Promise<readonly string[]> {
  return (await unlessMissing(readdir(dir))) ?? [];
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function pathOf(dir: string, id: string): string {
  return join(dir, `${id}.json`);
}

function textOf(record: KeyRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}
