/**
 * Files that a test puts into the directories of a pipeline, and what became of each. The real source takes them; it only waits less
 * long for what could be half-written, and no file that is put here is: it comes whole, by a rename.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Fault } from '../errors.ts';
import type { FileSource as FileSourceDefinition, Pipeline } from '../pipeline/pipeline.ts';
import { fileSource } from '../pipeline/source-paths.ts';
import { bytePath } from '../sources/files/byte-path.ts';
import { shownFile } from '../sources/files/candidate.ts';
import type { FileInGroup } from '../sources/files/file-group.ts';
import { shownName } from '../sources/files/file-names.ts';

/** By their paths in the working directory of the run: text or bytes as they are, everything else as JSON. */
export type FilesToPut = Readonly<Record<string, unknown>>;

/** What became of a file. */
export interface PutFile {
  readonly file: string;
  /** `refused`: it is no JSON, and its bytes are a dead letter. `unchanged`: its content was taken before. */
  readonly outcome: 'loaded' | 'refused' | 'unchanged';
  readonly accepted: number;
  /** Of its events, or the whole file: dead letters. */
  readonly rejected: number;
}

/** In the run an absolute directory stands in the working directory, too: a test reads nothing of the machine's. */
export function inRun(source: FileSourceDefinition): FileSourceDefinition {
  const directories = source.directories.map((name) => (isAbsolute(name) ? relative(sep, name) : name));
  return { ...source, directories, settledAfterMs, listEveryMs };
}

/** Files that a test writes by itself may be cut, but their writers do not pause. */
const settledAfterMs = 100;
/** A file that is missed by watching is found so soon. */
const listEveryMs = 200;

/** What a source tells of files, until they are all told of. */
export class TakenFiles {
  readonly #crashed: Promise<'crashed'>;
  readonly #waiting = new Map<string, (file: PutFile) => void>();
  #passedOver = '';

  constructor(crashed: Promise<void>) {
    this.#crashed = crashed.then(() => 'crashed');
  }

  taken(files: readonly FileInGroup[]): void {
    for (const { candidate, outcome, accepted, rejected } of files) {
      const file = shownFile(candidate);
      this.#waiting.get(file)?.({ file, outcome, accepted, rejected });
      this.#waiting.delete(file);
    }
  }

  passedOver(file: string, why: string): void {
    this.#passedOver = `; ${file} ${why}`;
  }

  /** Resolves when the events of all of them are durable. @throws what `PipelineRun.putFiles` throws */
  async put(pipeline: Pipeline, dir: string, files: FilesToPut, withinMs: number): Promise<readonly PutFile[]> {
    const { directories } = inRun(fileSource(pipeline));
    for (const path of Object.keys(files)) check(path, directories);
    const told = Object.keys(files).map((path) => this.#wait(path));
    for (const [path, content] of Object.entries(files)) await write(dir, path, content);
    const { promise: late, resolve: end } = Promise.withResolvers<'late'>();
    const timer = setTimeout(end, withinMs, 'late');
    const taken = await Promise.race([Promise.all(told), late, this.#crashed]);
    clearTimeout(timer);
    if (typeof taken !== 'string') return taken;
    const why = taken === 'late' ? `within ${withinMs} ms` : 'before the process crashed';
    throw new Error(`not taken ${why}: ${[...this.#waiting.keys()].join(', ')}${this.#passedOver}`);
  }

  #wait(path: string): Promise<PutFile> {
    const { promise, resolve: tell } = Promise.withResolvers<PutFile>();
    this.#waiting.set(shownName(bytePath(path)), tell);
    return promise;
  }
}

async function write(dir: string, path: string, content: unknown): Promise<void> {
  const target = resolve(dir, path);
  const aside = join(dir, 'put-file');
  const isText = typeof content === 'string' || content instanceof Uint8Array;
  await writeFile(aside, isText ? content : JSON.stringify(content, undefined, 2));
  await mkdir(dirname(target), { recursive: true });
  await rename(aside, target);
}

function check(path: string, directories: readonly string[]): void {
  const isIn = directories.some((directory) => path.startsWith(`${directory.replace(/\/+$/, '')}/`));
  if (isIn && !path.split('/').includes('..')) return;
  throw new Fault('USAGE', `${path} is in none of the directories of the pipeline: ${directories.join(', ')}`);
}
