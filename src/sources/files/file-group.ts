/**
 * Files that go into the log in one batch: of each one its events, the dead letters of those that are refused, and that it was taken.
 */
import type { PackagePrefix } from '../../event/correlation-id.ts';
import { maxPackageEvents } from '../../event/correlation-id.ts';
import { OpenPackage, type PackageOptions } from '../../ingest/open-package.ts';
import type { Batch } from '../../log/log.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Codec } from '../../schemas/codec.ts';
import { type Candidate, shownFile } from './candidate.ts';
import type { CutFile } from './cut-file.ts';
import type { FileMemory, Taken } from './file-memory.ts';
import type { FileVersion } from './file-version.ts';

export interface FileInGroup {
  readonly candidate: Candidate;
  readonly taken: Taken;
  /** `refused`: its bytes are a dead letter. `unchanged`: its content was taken before. */
  readonly outcome: 'loaded' | 'refused' | 'unchanged';
  readonly accepted: number;
  readonly rejected: number;
}

export interface FileGroupOptions {
  readonly pipeline: Pipeline;
  readonly memory: FileMemory;
  readonly batch: Batch;
  readonly nextPackage: () => PackagePrefix;
  readonly onDefect: PackageOptions['onDefect'];
}

export interface WholeFile {
  readonly candidate: Candidate;
  readonly version: FileVersion;
  readonly content: string;
  readonly bytes: Buffer;
  readonly cut: CutFile;
  readonly codec: Codec;
}

/** Beyond these a group waits for no further file. */
const fullBytes = 2 * 1024 * 1024;
const fullFiles = 2_000;

export class FileGroup {
  readonly batch: Batch;
  readonly files: FileInGroup[] = [];
  readonly #options: FileGroupOptions;

  constructor(options: FileGroupOptions) {
    this.#options = options;
    this.batch = options.batch;
  }

  get isFull(): boolean {
    return this.batch.bytes >= fullBytes || this.files.length >= fullFiles;
  }

  /** Copies what it is given. */
  add(file: WholeFile): void {
    const { pipeline, nextPackage, batch, onDefect } = this.#options;
    const { candidate, bytes, cut, codec } = file;
    const about = { pipeline, codec, onDefect, batch, isKeyed: false, traceparent: undefined } as const;
    const prefix = nextPackage();
    const opened = new OpenPackage({
      ...about,
      maxEvents: maxPackageEvents,
      prefix,
      onNotJson: 'reject-event',
      file: shownFile(candidate),
    });
    const isRefused = 'notJson' in cut || cut.events.length > maxPackageEvents;
    if (!isRefused) for (const event of cut.events) opened.add(event);
    else
      opened.refuseWhole(bytes, `expected JSON: ${'notJson' in cut ? cut.notJson : 'more events than a package has'}`);
    const { packageId, accepted, rejected } = opened.answer();
    this.#remember(file, { outcome: isRefused ? 'refused' : 'loaded', isRefused, packageId, accepted, rejected });
  }

  /** Another version, with the content that was taken before. */
  addUnchanged(file: Pick<WholeFile, 'candidate' | 'version' | 'content'>, isRefused: boolean): void {
    this.#remember(file, { outcome: 'unchanged', isRefused, packageId: '', accepted: 0, rejected: 0 });
  }

  #remember(
    { candidate, version, content }: Pick<WholeFile, 'candidate' | 'version' | 'content'>,
    came: Pick<FileInGroup, 'outcome' | 'accepted' | 'rejected'> & {
      readonly packageId: string;
      readonly isRefused: boolean;
    },
  ): void {
    const { memory, pipeline, batch } = this.#options;
    const { outcome, packageId, accepted, rejected, isRefused } = came;
    const taken = { version: version.id, content, isRefused };
    memory.remember(batch, candidate.id, {
      ...taken,
      pipeline: pipeline.name,
      file: shownFile(candidate),
      size: version.size,
      changedMs: version.changedMs,
      packageId,
      accepted,
      rejected,
    });
    this.files.push({ candidate, taken, outcome, accepted, rejected });
  }
}
