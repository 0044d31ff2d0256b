/**
 * Systems that take files: whatever becomes of writers and of the program, each file is taken as it stands there in the end, whole and once, and tables
 * and dead letters are a plain fold over the set of files (D1, D2, D3, D5).
 */
import { mkdirSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { filePipelines } from '../../engine/file-sources.ts';
import { Fault } from '../../errors.ts';
import type { EventApp } from '../../pipeline/app.ts';
import type { FileSource, Pipeline } from '../../pipeline/pipeline.ts';
import { nameMatcher } from '../../sources/files/file-names.ts';
import type { LoadOptions } from '../load.ts';
import type { Senders, Subject, Verdict } from '../subject.ts';
import { compare } from './compare.ts';
import { FilesLoad } from './files-load.ts';
import type { FinalFile } from './written-files.ts';

export interface FilesSubjectOptions {
  readonly app: EventApp;
  /** By which another process finds what was taken. */
  readonly config: Config;
  readonly lines: Iterator<string>;
  /** In which the directories of the pipeline are made. */
  readonly workingDir: string;
}

export class FilesSubject implements Subject {
  readonly sends = 'files';
  readonly workingDir: string;
  readonly #pipeline: Pipeline;
  readonly #source: FileSource;
  readonly #lines: Iterator<string>;
  readonly #config: Config;
  #load: FilesLoad | undefined;

  /** @throws Fault USAGE for a pipeline that takes other files, or makes something else of them, than is known here */
  constructor({ app: { pipeline }, config, lines, workingDir }: FilesSubjectOptions) {
    const [found] = filePipelines([pipeline], config);
    if (!found || !isKnown(pipeline, found.source))
      throw new Fault('USAGE', `${pipeline.name} cannot be proved: ${what}`);
    this.workingDir = workingDir;
    this.#pipeline = pipeline;
    this.#source = found.source;
    this.#lines = lines;
    this.#config = config;
    for (const directory of found.source.directories) mkdirSync(join(workingDir, directory), { recursive: true });
  }

  /** As they are in the end; none before. */
  get finals(): readonly FinalFile[] {
    return this.#load?.finals ?? [];
  }

  get acknowledged(): number {
    return this.finals.length;
  }

  get accepted(): number {
    return this.#load?.takes.all.reduce((sum, { accepted }) => sum + accepted, 0) ?? 0;
  }

  get counts(): Readonly<Record<string, number>> {
    return {
      'writers killed': this.#load?.writersKilled ?? 0,
      'files left half-written': this.finals.filter(({ isWhole }) => !isWhole).length,
    };
  }

  startLoad(options: LoadOptions): Senders {
    const [source, lines, workingDir, config] = [this.#source, this.#lines, this.workingDir, this.#config];
    this.#load = new FilesLoad({ ...options, source, lines, workingDir, config });
    return this.#load;
  }

  /** All that it must have become has landed. */
  look(): Promise<void> {
    return Promise.resolve();
  }

  compare(config: Config): Promise<Verdict> {
    const { settledAfterMs } = this.#source;
    return compare(this.#pipeline, config, { finals: this.finals, settledAfterMs });
  }
}

const what =
  'of systems that take files, only those with JSON files (*.json) in relative directories, and with dimensions as their only sinks, can';

function isKnown({ sinks }: Pipeline, { format, match, directories }: FileSource): boolean {
  const areFiles = format === 'json' && nameMatcher(match)('0.json');
  return areFiles && !directories.some(isAbsolute) && sinks.every(({ kind }) => kind === 'dimension');
}
