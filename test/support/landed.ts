/** What has landed in the data directory of a running program: rows, objects, dead letters, as other processes see them. */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { runProgram } from './program.ts';

/** Resolves when every consumer has caught up. @param seconds that it may take */
export async function caughtUp(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
  seconds = 60,
): Promise<void> {
  const ran = await runProgram(['lag', '--wait', '--timeout', `${seconds}`, '--data-dir', dataDir], env);
  assert.equal(ran.code, 0, ran.stderr + ran.stdout);
}

/** The rows of one query, by `tributary sql`. */
export async function rowsOf<Row>(
  dataDir: string,
  sql: string,
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Row[]> {
  const ran = await runProgram(['sql', '--json', '--data-dir', dataDir, sql], env);
  assert.equal(ran.code, 0, ran.stderr);
  return JSON.parse(ran.stdout) as Row[];
}

export interface ListedLetter {
  readonly correlationId: string;
  readonly packageId: string;
  readonly index: number;
  readonly receivedAt: string;
  readonly at: 'ingest' | 'processor';
  readonly error: { readonly path: string; readonly message: string };
  readonly event?: string;
  readonly eventBase64?: string;
}

/** By `tributary dead-letters list`. */
export async function deadLettersOf(dataDir: string): Promise<readonly ListedLetter[]> {
  const ran = await runProgram(['dead-letters', 'list', '--json', '--data-dir', dataDir]);
  assert.equal(ran.code, 0, ran.stderr);
  return linesOf(ran.stdout).map((line) => JSON.parse(line) as ListedLetter);
}

/** The text of each object by its key. */
export async function objectsOf(dataDir: string): Promise<ReadonlyMap<string, string>> {
  const root = join(dataDir, 'objects');
  const objects = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const key = relative(root, path).split(sep).join('/');
    if (entry.isFile() && !key.startsWith('.')) objects.set(key, await readFile(path, 'utf8'));
  }
  return objects;
}

/** The lines that a text consists of; each must have its end. */
export function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'the last line has no end');
  return lines;
}

export interface LandedLine {
  readonly key: string;
  readonly line: string;
}

/** The line of each event under `events/` by its correlation id; an event that is there twice fails. */
export async function eventLinesOf(dataDir: string): Promise<ReadonlyMap<string, LandedLine>> {
  const found = new Map<string, LandedLine>();
  for (const [key, text] of await objectsOf(dataDir)) {
    if (!key.startsWith('events/')) continue;
    for (const line of linesOf(text)) {
      const { metadata } = JSON.parse(line) as { metadata: { correlationId: string } };
      assert.ok(!found.has(metadata.correlationId), `${metadata.correlationId} is in objects twice`);
      found.set(metadata.correlationId, { key, line });
    }
  }
  return found;
}
