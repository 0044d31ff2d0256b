/**
 * A pipeline in the test's own process, on a temporary engine that is real: log, keyed state, registry and objects in a
 * directory, rows in PostgreSQL. Events come in by the same HTTP route as from producers, without a socket, or as files in the directory.
 *
 * What it promises: each run has a directory and a database of its own, and both are gone when it ends; nothing waits for
 * time to pass; and what the readers answer was read from the places where it landed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { RejectedInPackage } from '../ingest/answer.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { ViewOf, ViewReader } from '../pipeline/views.ts';
import { packageSource, requestSource } from '../pipeline/source-paths.ts';
import type { InjectedFault } from './faults.ts';
import { findLetters, findObjects, findRows, type FoundLetter, type FoundObject, type FoundRow } from './found.ts';
import { type Life, startLife } from './life.ts';
import type { FilesToPut, PutFile } from './put-files.ts';
import { newDatabase, type TestDatabase } from './postgres.ts';

export interface RunOptions {
  /** Holds the schemas that are registered at the start. Default: `schemas` in the working directory. */
  readonly schemasDir?: string;
  /** What goes wrong in the first life, until a restart. Default: nothing. */
  readonly faults?: readonly InjectedFault[];
  /** Unix milliseconds: the time of receipt, and when an idempotency key is forgotten. Default `Date.now`. */
  readonly now?: () => number;
}

export interface SendOptions {
  readonly idempotencyKey?: string;
}

/** As HTTP gives it. */
export interface Answered {
  readonly status: number;
  /** With 200 what became of the events, or what an envelope's `answer` says; else `error`, `message` and `todo`. */
  readonly body: {
    readonly packageId?: string;
    readonly accepted?: number;
    readonly rejected?: number;
    readonly errors?: readonly RejectedInPackage[];
    readonly error?: string;
    readonly message?: string;
    readonly todo?: string;
  };
}

/** As HTTP gives it. */
export interface AnsweredRequest {
  readonly status: number;
  /** With 200 what the endpoint answers, else JSON with `error`, `message` and `todo`. */
  readonly text: string;
}

export interface LandedWait {
  /** Default 10,000 ms. */
  readonly withinMs?: number;
}

const defaultWithinMs = 10_000;

/**
 * Starts a pipeline; `await using` ends it with the test.
 *
 * ```ts
 * await using run = await startPipeline(app.pipeline);
 * const { status } = await run.send([{ id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', total: 3.5 }]);
 * await run.landed();
 * const rows = await run.rows('orders');
 * ```
 * @throws Fault USAGE (faults that could never happen), SCHEMA_UNKNOWN, SCHEMA_INVALID, WAREHOUSE_UNAVAILABLE
 */
export async function startPipeline(pipeline: Pipeline, options: RunOptions = {}): Promise<PipelineRun> {
  const { schemasDir = 'schemas', faults = [], now = Date.now } = options;
  const dir = await mkdtemp(join(tmpdir(), 'tributary-testing-'));
  let database: TestDatabase | undefined;
  try {
    database = await newDatabase();
    const place = { pipeline, schemasDir: resolve(schemasDir), now, dir, databaseUrl: database.url };
    return new PipelineRun(place, database, await startLife({ ...place, faults }));
  } catch (error) {
    await database?.drop();
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

interface Place {
  readonly pipeline: Pipeline;
  readonly schemasDir: string;
  readonly now: () => number;
  readonly dir: string;
  readonly databaseUrl: string;
}

export class PipelineRun implements AsyncDisposable {
  readonly #place: Place;
  readonly #database: TestDatabase;
  #life: Life;
  /** It has crashed or drained, and what it held is released. */
  #isOver = false;

  /** @internal */
  constructor(place: Place, database: TestDatabase, life: Life) {
    this.#place = place;
    this.#database = database;
    this.#life = life;
  }

  /** Of its PostgreSQL, for what is not a table of the pipeline: a view of its migrations. */
  get databaseUrl(): string {
    return this.#place.databaseUrl;
  }

  /**
   * Sends one package. As with any producer, a status other than 200 is an answer and not an error.
   * @param events which go in an envelope where the source takes one; or the body as text
   * @throws Error where the process crashes before it answers
   */
  async send(events: readonly unknown[] | string, options: SendOptions = {}): Promise<Answered> {
    const { path, envelope } = packageSource(this.#place.pipeline);
    const content = envelope ? { [envelope.events]: events } : events;
    const { statusCode, body } = await this.#post(path, options, {
      headers: { 'content-type': 'application/json' },
      payload: typeof events === 'string' ? events : JSON.stringify(content),
    });
    return { status: statusCode, body: JSON.parse(body) as Answered['body'] };
  }

  /**
   * Sends one request to an endpoint, with its parameters in the query string. A status other than 200 is an answer and not an error.
   * @throws Fault USAGE for a pipeline that takes packages; Error where the process crashes before it answers
   */
  async request(
    path: string,
    parameters: Readonly<Record<string, string>> = {},
    options: SendOptions = {},
  ): Promise<AnsweredRequest> {
    requestSource(this.#place.pipeline);
    const query = new URLSearchParams(parameters).toString();
    const { statusCode, body } = await this.#post(`${path}?${query}`, options);
    return { status: statusCode, text: body };
  }

  /**
   * Writes files and resolves when the events of each are durable, as a file would be moved then. They stay where they are unless the
   * pipeline says otherwise.
   * @param files by their paths as the pipeline names its directories: text as it is, everything else as JSON
   * @throws Fault USAGE for a pipeline that takes no files, or none from there; Error where the process crashes, or one is not taken in time
   */
  putFiles(files: FilesToPut, { withinMs = defaultWithinMs }: LandedWait = {}): Promise<readonly PutFile[]> {
    const { pipeline, dir } = this.#place;
    return this.#life.takenFiles.put(pipeline, dir, files, withinMs);
  }

  #post(url: string, { idempotencyKey }: SendOptions, content: InjectOptions = {}): Promise<LightMyRequestResponse> {
    const { server, calls } = this.#life;
    const key = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const answer = server.inject({ ...content, method: 'POST', url, headers: { ...content.headers, ...key } });
    return Promise.race([answer, calls.crashed.then(throwNoAnswer)]);
  }

  /**
   * Resolves when every event that was accepted has landed in every sink, or is a dead letter or dropped.
   * @throws Fault PIPELINE_HALTED; Error where the process crashes, or where something has not landed in time, with the last failure
   */
  async landed({ withinMs = defaultWithinMs }: LandedWait = {}): Promise<void> {
    await this.#life.landed.all(withinMs);
  }

  /** Resolves when every injected fault has happened. */
  async struck(): Promise<void> {
    await this.#life.calls.struck;
  }

  /** Of a table of the pipeline, in the order in which they landed, partition by partition. @throws Fault USAGE for another table */
  rows(table: string): Promise<readonly FoundRow[]> {
    return findRows(this.#place.pipeline, table, this.#place.databaseUrl);
  }

  /** Of a view of the pipeline: answers with all that was accepted before. @throws Error for another view */
  read<Row>(view: ViewOf<Row>): ViewReader<Row> {
    return this.#life.views.read(view);
  }

  /** In the order of their keys, without those of dead letters. */
  objects(): Promise<readonly FoundObject[]> {
    return findObjects(this.#life.engine.objects);
  }

  /** In the order in which they were refused. Not after `crash`: restart first. */
  deadLetters(): Promise<readonly FoundLetter[]> {
    return findLetters(this.#place.pipeline, this.#life.engine.log);
  }

  /** Ends the process as `kill -9` does: what was under way never ends, and only what is durable is there after `restart`. */
  async crash(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#life.crash();
  }

  /** A new process on the same data, without faults unless given. One that still runs is drained first, as by SIGTERM (D8). */
  async restart({ faults = [] }: Pick<RunOptions, 'faults'> = {}): Promise<void> {
    if (!this.#isOver) await this.#drain();
    this.#life = await startLife({ ...this.#place, faults });
    this.#isOver = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crash();
    await this.#database.drop();
    await rm(this.#place.dir, { recursive: true, force: true });
  }

  /** A process that an injected fault has ended cannot drain any more, and one that hangs with it is ended. */
  async #drain(): Promise<void> {
    const life = this.#life;
    const drained = life.drain().then(() => 'drained' as const);
    drained.catch(() => undefined); // of a process that crashes meanwhile it is no matter
    const ended = await Promise.race([drained, life.calls.crashed]);
    if (ended === 'drained') this.#isOver = true;
    else await this.crash();
  }
}

function throwNoAnswer(): never {
  throw new Error('the process crashed before it answered');
}
