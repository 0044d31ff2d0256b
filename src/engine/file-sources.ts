/** The pipelines that take files, with the directories and the treatment that the configuration gives them. */
import { isAbsolute } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { Fault, isFault } from '../errors.ts';
import { createPackageIds } from '../event/correlation-id.ts';
import type { AskedLook } from '../api/admin/files.ts';
import type { Budget } from '../ingest/budget.ts';
import { Patience } from '../ingest/patience.ts';
import type { PartitionOffset } from '../log/log.ts';
import type { FileSource as FileSourceDefinition, Pipeline } from '../pipeline/pipeline.ts';
import type { Codecs } from '../schemas/codecs.ts';
import { FileMemory, filesTopic } from '../sources/files/file-memory.ts';
import { FileReader } from '../sources/files/file-reader.ts';
import { FileSource } from '../sources/files/file-source.ts';
import { filesObserver } from '../telemetry/files-observer.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Engine } from './engine.ts';

export interface FileSourcesOptions {
  readonly config: Pick<Config, 'files' | 'ingest' | 'env' | 'dataDir'>;
  readonly engine: Pick<Engine, 'log' | 'state'>;
  /** Those that run here. */
  readonly pipelines: readonly Pipeline[];
  readonly codecs: Codecs;
  readonly budget: Budget;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Pipelines by their source; what the configuration says of files goes before what they say. */
export function filePipelines(
  pipelines: readonly Pipeline[],
  { files = {} }: Pick<Config, 'files'>,
): readonly { readonly pipeline: Pipeline; readonly source: FileSourceDefinition }[] {
  return pipelines.flatMap((pipeline) => {
    const { name, source } = pipeline;
    if (source.kind !== 'files') return [];
    const { directories = source.directories, afterwards = source.afterwards } = files[name] ?? {};
    return [{ pipeline, source: { ...source, directories, afterwards } }];
  });
}

/**
 * @param pipelines all that the configuration names
 * @throws Fault CONFIG_INVALID where it says something of files to others, or where environments would take each other's
 */
export function checkFileSettings(pipelines: readonly Pipeline[], config: Pick<Config, 'files' | 'env'>): void {
  const { files = {}, env } = config;
  const takers = pipelines.filter(({ source }) => source.kind === 'files').map(({ name }) => name);
  const unknown = Object.keys(files).find((name) => !takers.includes(name));
  if (unknown !== undefined) {
    const known = takers.join(', ') || 'none';
    throw new Fault(
      'CONFIG_INVALID',
      `files.${unknown}: no pipeline of that name takes files; those that do: ${known}`,
    );
  }
  if (env === undefined) return;
  for (const { pipeline, source } of filePipelines(pipelines, config)) {
    const shared = source.directories.find((directory) => isAbsolute(directory));
    if (shared === undefined || files[pipeline.name]?.directories !== undefined) continue;
    const what = `${shared} would be shared with others by the environment ${env}`;
    throw new Fault('CONFIG_INVALID', `files.${pipeline.name}.directories: ${what}: name one with {env} there`);
  }
}

/** Where relative directories stand: an environment has its own. */
function workingDirOf({ env, dataDir }: Pick<Config, 'env' | 'dataDir'>): string {
  return env === undefined ? process.cwd() : dataDir;
}

export class FileSources {
  readonly #options: FileSourcesOptions;
  readonly #memory: FileMemory | undefined;
  readonly #reader = new FileReader();
  readonly #sources = new Map<string, FileSource>();

  private constructor(options: FileSourcesOptions, memory: FileMemory | undefined) {
    this.#options = options;
    this.#memory = memory;
  }

  /**
   * What is remembered of files is kept up to date where the log has anything of the kind, also by who takes none now: else the log would
   * keep it for ever, or forget it too early. A state that is away is not waited for: no file is taken before it is back and up to date.
   * @throws Fault LOG_UNAVAILABLE
   */
  static async open(options: FileSourcesOptions): Promise<FileSources> {
    const { log, state } = options.engine;
    const isUsed = (await log.topics()).some(({ name }) => name === filesTopic.name);
    const memory = isUsed ? new FileMemory(log, state) : undefined;
    await memory?.catchUp().catch((error: unknown) => {
      if (!isFault(error, 'STATE_UNAVAILABLE')) throw error;
      options.logger.error({ err: error }, 'what is remembered of files is behind');
    });
    return new FileSources(options, memory);
  }

  /** The log must keep what lies behind it. */
  progress(): readonly PartitionOffset[] {
    return this.#memory ? [this.#memory.progress] : [];
  }

  /** @throws Fault CONFIG_INVALID */
  async start(): Promise<void> {
    const { config, engine, pipelines, logger, metrics, codecs, budget } = this.#options;
    const memory = this.#memory;
    if (!memory) return;
    const nextPackage = createPackageIds({ now: Date.now });
    const patience = new Patience(config.ingest.waitForRoomMs);
    const reader = this.#reader;
    const about = { codecs, budget, patience, nextPackage, workingDir: workingDirOf(config) };
    const into = { ...engine, memory, reader, ...about };
    for (const { pipeline, source } of filePipelines(pipelines, config)) {
      const observer = filesObserver({ pipeline: pipeline.name, logger, metrics });
      const { onDefect } = observer;
      this.#sources.set(pipeline.name, await FileSource.start({ ...into, pipeline, source, observer, onDefect }));
    }
  }

  /** Of each pipeline that takes files here, whichever node does it. @throws Fault STATE_UNAVAILABLE, STATE_FULL */
  async askForLooks(): Promise<readonly AskedLook[]> {
    const asked: AskedLook[] = [];
    for (const [pipeline, source] of this.#sources) asked.push({ pipeline, look: await source.askForLook() });
    return asked;
  }

  /** Takes no further file, and ends those in hand (D8). */
  async drain(): Promise<void> {
    await Promise.all([...this.#sources.values()].map((source) => source.drain()));
    await this.#reader.close();
  }
}
