/**
 * Everything from the log to the sinks: a processor for each pipeline, a keeper for each dead-letter topic, and the
 * warehouse that they land in, which may come up (or back) at any time: until then events wait in the log.
 */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createDeadLetterSink } from '../dead-letters/dead-letter-sink.ts';
import { type DeadLetter, readDeadLetter } from '../dead-letters/dead-letter.ts';
import { isFault } from '../errors.ts';
import { Reject } from '../event/reject.ts';
import type { LogRecord } from '../log/log.ts';
import { defaultBatchLimits, type Pipeline } from '../pipeline/pipeline.ts';
import { backoff } from '../processing/backoff.ts';
import { type Converter, pipelineConverter } from '../processing/convert.ts';
import type { Deduplicating } from '../processing/duplicates.ts';
import { type VoidPackages, withoutVoid } from '../processing/void-packages.ts';
import type { Consumer } from '../processing/consumer.ts';
import type { ProcessorObserver } from '../processing/partition-processor.ts';
import { Processor } from '../processing/processor.ts';
import { checkReplayable } from '../processing/replays.ts';
import type { Codecs } from '../schemas/codecs.ts';
import { prepareTables } from '../sinks/postgres/prepare-tables.ts';
import type { Sink } from '../sinks/sink.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';
import type { Traces } from '../telemetry/tracing.ts';
import { buildSinks } from './build-sinks.ts';
import { type Engine, openWarehouse } from './engine.ts';
import { viewConsumersOf } from '../views/views.ts';
import { WarehouseStatus } from './warehouse-status.ts';

export interface LandingOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly codecs: Codecs;
  readonly pipelines: readonly Pipeline[];
  readonly logger: Logger;
  readonly observe: (consumer: string, sinks: readonly string[]) => ProcessorObserver;
  /** Default: no package can be void. */
  readonly voids?: VoidPackages | undefined;
  /** Default: nothing is traced. */
  readonly traces?: Traces | undefined;
  /** Default: as the configuration says. */
  readonly openWarehouse?: () => Promise<Warehouse>;
  /** Takes the records of pipelines through their steps. Default: one after the other. */
  readonly converter?: Converter | undefined;
  /** What stands between a processor and each of its sinks, for tests that inject faults. Default: nothing. */
  readonly aroundSink?: (sink: Sink<object>) => Sink<object>;
}

/** A dead letter is an object with an fsync of its own: smaller batches keep a redo short. */
const deadLetterLimits = { maxBytes: 512 * 1024, flushIntervalMs: 500 };

/** Who consumes what: the pipelines' processors, their views, and the keepers of their dead letters. */
export function consumersOf(pipelines: readonly Pipeline[]): readonly Consumer[] {
  const processors = pipelines.map(({ name, topic }) => ({ name, topic: topic.name }));
  const letters = new Set(pipelines.map(({ deadLetterTopic }) => deadLetterTopic));
  return [
    ...processors,
    ...viewConsumersOf(pipelines),
    ...[...letters].map((topic) => ({ name: keeperName(topic), topic })),
  ];
}

function hasTable({ sinks }: Pipeline): boolean {
  return sinks.some(({ kind }) => kind !== 'objects');
}

export class Landing {
  readonly #options: LandingOptions;
  readonly #stopping = new AbortController();
  readonly #processors: Pick<Processor<never>, 'consumer' | 'replay' | 'drain'>[] = [];
  readonly #warehouseStatus: WarehouseStatus;
  #warehouse: Warehouse | undefined;
  #hasFailed = false;
  #starting: Promise<void>;

  private constructor(options: LandingOptions) {
    this.#options = options;
    this.#warehouseStatus = new WarehouseStatus(options.config.databaseUrl);
    this.#starting = this.#start();
  }

  static start(options: LandingOptions): Landing {
    return new Landing(options);
  }

  /** `up` while the last attempts on it worked, else what is wrong and since when; no secrets. */
  get warehouseHealth(): string {
    return String(this.#warehouseStatus);
  }

  /** Undefined until it is up. */
  get warehouse(): Warehouse | undefined {
    return this.#warehouse;
  }

  /**
   * A node that has just begun is passed over until what it answers from the warehouse does not fail for that alone. What happens to
   * the warehouse later, all nodes have in common.
   * @param orFailed events can be taken without it: one try that failed is enough, too
   */
  hasOpened(orFailed: boolean): boolean {
    return this.#warehouse !== undefined || (orFailed && this.#hasFailed);
  }

  /** Replays of the pipeline have been asked for. */
  replay(pipeline: string): void {
    for (const processor of this.#processors) if (processor.consumer === pipeline) processor.replay();
  }

  async drain(): Promise<void> {
    this.#stopping.abort();
    await this.#starting;
    await Promise.all(this.#processors.map((processor) => processor.drain()));
    await this.#warehouse?.close();
  }

  async #start(): Promise<void> {
    const { config, pipelines } = this.#options;
    if (config.objects) void this.#tellOfObjects();
    for (const topic of new Set(pipelines.map(({ deadLetterTopic }) => deadLetterTopic)))
      await this.#onceReadable(() => this.#startKeeper(topic));
    for (const pipeline of pipelines.filter((one) => !hasTable(one)))
      await this.#onceReadable(() => this.#startProcessor(pipeline, undefined));
    const warehouse = await this.#eventualWarehouse();
    if (!warehouse) return;
    this.#warehouse = warehouse;
    await Promise.all(pipelines.filter(hasTable).map((pipeline) => this.#startWith(pipeline, warehouse)));
  }

  /** One whose migrations fail keeps no other waiting. */
  async #startWith(pipeline: Pipeline, warehouse: Warehouse): Promise<void> {
    if (!(await this.#prepared(pipeline, warehouse))) return;
    await this.#onceReadable(() => this.#startProcessor(pipeline, warehouse));
  }

  /** False when stopped before it was. */
  async #prepared(pipeline: Pipeline, { pool }: Warehouse): Promise<boolean> {
    const { logger } = this.#options;
    const { signal } = this.#stopping;
    const { name } = pipeline;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const applied = await this.#warehouseStatus.attempt(`${name} tables`, () => prepareTables(pool, pipeline));
        if (applied.length > 0) logger.info({ pipeline: name, applied }, 'the warehouse was migrated');
        return true;
      } catch (error) {
        logger.error({ err: error, pipeline: name, attempt }, 'the warehouse is not migrated; events wait in the log');
        await backoff(attempt, signal);
      }
    }
    return false;
  }

  /** A bucket or a secret that is wrong is told before the first event has come. */
  async #tellOfObjects(): Promise<void> {
    const { engine, logger } = this.#options;
    try {
      await engine.objects.list('tributary/')[Symbol.asyncIterator]().next();
    } catch (error) {
      logger.error({ err: error }, 'objects cannot be reached; events wait in the log');
    }
  }

  /** A log on other machines may be out of reach for a while; unless all stops before. */
  async #onceReadable(start: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        return await start();
      } catch (error) {
        if (!isFault(error, 'LOG_UNAVAILABLE')) throw error;
        this.#options.logger.error({ err: error, attempt }, 'the log cannot be read; what is in it waits');
        await backoff(attempt, signal);
      }
    }
  }

  async #startKeeper(topic: string): Promise<void> {
    const { log, state, objects } = this.#options.engine;
    const consumer = keeperName(topic);
    const sink = createDeadLetterSink(objects);
    const keeper = await Processor.start<DeadLetter>(topic, {
      consumer,
      log,
      state,
      convert: withoutVoid(async (records) => records.map(letterOrReject), this.#options.voids),
      sinks: [sink],
      limits: deadLetterLimits,
      onInvalid: 'drop',
      deadLetterTopic: topic,
      traces: this.#options.traces,
      observer: this.#options.observe(consumer, [sink.name]),
    });
    this.#processors.push(keeper);
  }

  /** @param warehouse where the pipeline has a table */
  async #startProcessor(pipeline: Pipeline, warehouse: Warehouse | undefined): Promise<void> {
    const { engine, codecs, converter, logger, aroundSink = (sink) => sink } = this.#options;
    const windowHours = pipeline.process.deduplicate?.windowHours;
    if (windowHours !== undefined)
      logger.info({ pipeline: pipeline.name, windowHours }, 'keys of events are remembered');
    const sinks = buildSinks(pipeline, this.#options, warehouse, this.#warehouseStatus).map(aroundSink);
    const processor = await Processor.start<object>(pipeline.topic.name, {
      consumer: pipeline.name,
      log: engine.log,
      state: engine.state,
      convert: withoutVoid(pipelineConverter(pipeline, codecs, converter), this.#options.voids),
      sinks,
      limits: { ...defaultBatchLimits, ...pipeline.process.batch },
      onInvalid: pipeline.process.onInvalid,
      deduplicate: deduplicating(pipeline),
      deadLetterTopic: pipeline.deadLetterTopic,
      traces: this.#options.traces,
      checkReplayable: () => checkReplayable(pipeline),
      observer: this.#options.observe(
        pipeline.name,
        sinks.map(({ name }) => name),
      ),
    });
    this.#processors.push(processor);
  }

  /** Undefined when stopped before it came up. */
  async #eventualWarehouse(): Promise<Warehouse | undefined> {
    const { config, logger, openWarehouse: open = () => openWarehouse(config, logger) } = this.#options;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const warehouse = await this.#warehouseStatus.attempt('opening', open);
        this.#warehouseStatus.opened();
        return warehouse;
      } catch (error) {
        this.#hasFailed = true;
        logger.error({ err: error, attempt }, 'the warehouse is not up; events wait in the log');
        await backoff(attempt, signal);
      }
    }
    return undefined;
  }
}

function deduplicating({ process: { deduplicate } }: Pipeline): Deduplicating<object> | undefined {
  return deduplicate && { key: deduplicate.key, windowMs: deduplicate.windowHours * 3_600_000 };
}

function keeperName(topic: string): string {
  return `${topic}/keeper`;
}

/** What others wrote into the topic is no letter of ours. */
function letterOrReject(record: LogRecord): DeadLetter | Reject {
  try {
    return readDeadLetter(record);
  } catch (error) {
    return new Reject('', String(error));
  }
}
