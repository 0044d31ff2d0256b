/**
 * `signals`, a system that takes requests: each lands in the objects once, with the answer that was given (D1, D2, D3, D5), dashboards never
 * go back and show what was acknowledged, and in the end they show what the contract's SQL gives over the raw events.
 */
import type { Config } from '../../config/config.ts';
import { openEngineReader, openWarehouse } from '../../engine/engine.ts';
import { Fault } from '../../errors.ts';
import type { EventApp } from '../../pipeline/app.ts';
import type { ObjectsSink } from '../../pipeline/pipeline.ts';
import { sourcePaths } from '../../pipeline/source-paths.ts';
import { createLogger } from '../../telemetry/logger.ts';
import { Load, type LoadOptions, type Work } from '../load.ts';
import { between, type Random } from '../random.ts';
import type { LookedAt, Subject, Verdict } from '../subject.ts';
import { Book } from './book.ts';
import { type DashboardRow, rangePath, symbolPath } from './dashboard.ts';
import { judge } from './judge.ts';
import { look, type Looked } from './look.ts';
import { type FoundEvents, readRawEvents } from './raw-events.ts';
import { Reference } from './reference.ts';
import { kinds } from './sent-request.ts';
import { readDashboard, sendRequest } from './work.ts';

const senders = 16;
const readers = 4;
const mostInRow = 10;

export class RequestsSubject implements Subject {
  readonly sends = 'requests';
  readonly workingDir = undefined;
  readonly book: Book;
  readonly #app: EventApp;
  readonly #objects: ObjectsSink<object>;
  readonly #lines: Iterator<string>;
  #looked: Looked | undefined;

  /** @throws Fault USAGE for a system whose contract is not known here */
  constructor(app: EventApp, lines: Iterator<string>, agreeWithinMs: number) {
    const { name, sinks } = app.pipeline;
    const objects = sinks.find((sink): sink is ObjectsSink<object> => sink.kind === 'objects');
    const takes = new Set(sourcePaths(app.pipeline));
    if (!objects || !Object.keys(kinds).every((path) => takes.has(path)))
      throw new Fault('USAGE', `${name} cannot be proved: of systems that take requests only those like signals can`);
    this.#app = app;
    this.#objects = objects;
    this.#lines = lines;
    this.book = new Book(agreeWithinMs);
  }

  get acknowledged(): number {
    return this.book.acknowledged.length;
  }

  get accepted(): number {
    return this.acknowledged;
  }

  get counts(): Readonly<Record<string, number>> {
    const { refused, reads, unanswered } = this.book;
    return {
      'refused, as they must be': refused,
      'dashboards read': reads + (this.#looked?.reads ?? 0),
      'dashboards asked for in vain': unanswered,
    };
  }

  startLoad(options: LoadOptions): Load {
    const { random } = options;
    const send = inRow(random, (load) => sendRequest(load, this.book, this.#lines));
    const read = inRow(random, (load) => readDashboard(load, this.book, random));
    return new Load(options, [
      ...Array.from({ length: senders }, () => send),
      ...Array.from({ length: readers }, () => read),
    ]);
  }

  async look(nodes: readonly LookedAt[]): Promise<void> {
    const times = this.book.acknowledged.flatMap(({ begunMs, acknowledgedMs }) => [begunMs, acknowledgedMs]);
    const [from, to] = times.reduce(([min, max], ms) => [Math.min(min, ms), Math.max(max, ms)] as const, [
      Infinity,
      -Infinity,
    ] as readonly [number, number]);
    if (times.length === 0) throw new Error('nothing was acknowledged');
    this.#looked = await look(nodes, this.#app.pipeline.name, from, to);
  }

  async compare(config: Config): Promise<Verdict> {
    const reader = await openEngineReader(config);
    try {
      const found = await readRawEvents(await reader.objects());
      const verdict = judge(this.book.acknowledged, found, (event) => this.#objects.key(event));
      return { ...verdict, wrong: [...verdict.wrong, ...(await this.#compareShown(config, found))] };
    } finally {
      await reader.close();
    }
  }

  async #compareShown(config: Config, { events }: FoundEvents): Promise<readonly string[]> {
    if (!this.#looked) return [];
    const { ranges, shown } = this.#looked;
    const warehouse = await openWarehouse(config, createLogger({ level: 'error' }));
    try {
      const reference = await Reference.over(
        events.map(({ event }) => event),
        warehouse.pool,
      );
      try {
        const expected = new Map<string, unknown>();
        for (const row of await reference.rows()) expected.set(symbolPath(row.symbol), row);
        for (const range of ranges) expected.set(rangePath(range), await reference.rows(range));
        return differences(expected, shown);
      } finally {
        reference.close();
      }
    } finally {
      await warehouse.close();
    }
  }
}

/** One after the other. */
function inRow(random: Random, work: Work): Work {
  return async (load) => {
    for (let left = between(random, 1, mostInRow); left > 0; left--) await work(load);
  };
}

function differences(expected: ReadonlyMap<string, unknown>, shown: Looked['shown']): readonly string[] {
  const found: string[] = [];
  for (const [path, answers] of shown) {
    const wanted = JSON.stringify(expected.get(path));
    for (const [text, when] of answers)
      if (withoutSpace(text) !== wanted) found.push(`${path}, ${when}: ${firstDifference(text, expected.get(path))}`);
  }
  return found;
}

/** Members in another order differ, too. */
function withoutSpace(text: string): string {
  return JSON.stringify(JSON.parse(text));
}

function firstDifference(text: string, expected: unknown): string {
  const rows = [JSON.parse(text), expected].map((value) => (Array.isArray(value) ? value : [value]) as DashboardRow[]);
  const [shown = [], wanted = []] = rows;
  const at = shown.findIndex((row, i) => JSON.stringify(row) !== JSON.stringify(wanted[i]));
  return `${JSON.stringify(shown[at])}, where the raw events give ${JSON.stringify(wanted[at])}`;
}
