/** What a run has fetched -> its objects: what was refused first, as the run is visible with the object of its items. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { receivedBytes } from '../../dead-letters/dead-letter-sink.ts';
import type { Pull } from '../../pipeline/pulls.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { deadLettersKey, objectKey, type Run } from './run.ts';
import type { StoredRefusal } from './page-table.ts';
import type { OpenRun, RunStore } from './run-store.ts';

export interface LandingParts {
  readonly pull: Pull;
  readonly store: RunStore;
  readonly objects: Pick<ObjectStore, 'putFile'>;
  readonly dir: string;
}

const chunkBytes = 1024 * 1024;

export type RunKeys = Pick<Run, 'object' | 'deadLetters'>;

export async function landRun(parts: LandingParts, run: OpenRun, endedAt: string): Promise<Run> {
  const keys = keysOf(parts.pull, run);
  await putRun(parts, run, keys);
  return endRun(parts, run, { endedAt, ...keys });
}

/** Of a run that is settled. */
export function keysOf({ incremental }: Pull, run: Run): RunKeys {
  return {
    // A run of an incremental pull that found nothing new leaves nothing.
    object: run.kept > 0 || !incremental ? objectKey(run) : null,
    deadLetters: run.refused > 0 ? deadLettersKey(run) : null,
  };
}

/** Of a run that is not done: who put it was killed before it could say so, or got no answer. */
export async function wasPut(
  objects: Pick<ObjectStore, 'entries'>,
  { state }: Run,
  { object, deadLetters }: RunKeys,
): Promise<boolean> {
  const last = object ?? deadLetters;
  return state === 'fetched' && last !== null && (await bytesOf(objects, last)) > 0;
}

/** 0 where there is none. */
export async function bytesOf(objects: Pick<ObjectStore, 'entries'>, key: string): Promise<number> {
  for await (const { key: found, bytes } of objects.entries(key)) if (found === key) return bytes;
  return 0;
}

export async function putRun(parts: LandingParts, run: OpenRun, { object, deadLetters }: RunKeys): Promise<void> {
  const { store, objects } = parts;
  if (deadLetters !== null) await putLines(parts, deadLetters, letterLines(store, run));
  const lines = store.linesPath();
  if (object !== null && lines !== undefined) await objects.putFile(object, lines);
  else if (object !== null) await putLines(parts, object, store.lines());
}

export function endRun({ pull, store }: LandingParts, run: OpenRun, end: RunKeys & { endedAt: string }): Run {
  store.done(run, end, pull.incremental?.overlap);
  const { definition: _definition, origin: _origin, position: _position, high: _high, ...rest } = run;
  return { ...rest, state: 'done', ...end };
}

/** As dead letters are written elsewhere, but for what only packages have, a line feed behind each one. */
function* letterLines(store: RunStore, { pull, id, startedAt }: Run): Generator<Uint8Array> {
  let index = 0;
  for (const refusal of store.refusals())
    yield Buffer.from(
      `${JSON.stringify(letterOf(refusal, { pull, run: id, index: index++, receivedAt: startedAt }))}\n`,
    );
}

function letterOf({ line, path, message }: StoredRefusal, about: object): object {
  return { ...about, at: 'pull', error: { path, message }, ...receivedBytes({ event: Buffer.from(line) }) };
}

export async function putLines(
  { objects, dir, pull }: Pick<LandingParts, 'objects' | 'dir' | 'pull'>,
  key: string,
  lines: Iterable<Uint8Array>,
): Promise<void> {
  const path = join(dir, `${pull.name}.ndjson`);
  try {
    await writeLines(path, lines);
    await objects.putFile(key, path);
  } finally {
    await rm(path, { force: true });
  }
}

async function writeLines(path: string, lines: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    let chunk: Uint8Array[] = [];
    let bytes = 0;
    for (const some of lines) {
      chunk.push(some);
      bytes += some.length;
      if (bytes < chunkBytes) continue;
      await file.writeFile(Buffer.concat(chunk));
      chunk = [];
      bytes = 0;
    }
    await file.writeFile(Buffer.concat(chunk));
  } finally {
    await file.close();
  }
}
