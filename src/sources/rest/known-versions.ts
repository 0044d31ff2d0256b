/**
 * The versions that an incremental pull has had in the last stretch, where nodes share it: `pulls/<pull>/<run>/<part>.ndjson`, beside what
 * readers of the store look at. A part is what fits into memory.
 */
import { Fault } from '../../errors.ts';
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import type { Version } from './version-table.ts';

const partBytes = 4 * 1024 * 1024;

/** Of all runs of a pull. */
export function versionsOf(pull: string): string {
  return `pulls/${pull}/`;
}

/** @returns how many parts there are */
export async function putVersions(
  objects: Pick<ObjectStore, 'put'>,
  pull: string,
  run: string,
  versions: Iterable<Version>,
): Promise<number> {
  let parts = 0;
  for (const body of inParts(versions)) await objects.put(partKey(pull, run, parts++), body);
  return parts;
}

/** A part at a time. @throws Fault OBJECTS_UNAVAILABLE where one is not there */
export async function* readVersions(
  objects: Pick<ObjectStore, 'get'>,
  pull: string,
  { run, parts }: { readonly run: string; readonly parts: number },
): AsyncGenerator<readonly Version[]> {
  for (let part = 0; part < parts; part++) {
    const key = partKey(pull, run, part);
    const body = await objects.get(key);
    if (!body) throw new Fault('OBJECTS_UNAVAILABLE', `object ${key}, which has what was pulled before, is not there`);
    yield body
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Version);
  }
}

function partKey(pull: string, run: string, part: number): string {
  return `${versionsOf(pull)}${run}/${part}.ndjson`;
}

function* inParts(versions: Iterable<Version>): Generator<Buffer> {
  let lines: Buffer[] = [];
  let bytes = 0;
  for (const version of versions) {
    const line = Buffer.from(`${JSON.stringify(version)}\n`);
    lines.push(line);
    bytes += line.length;
    if (bytes < partBytes) continue;
    yield Buffer.concat(lines);
    lines = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(lines);
}
