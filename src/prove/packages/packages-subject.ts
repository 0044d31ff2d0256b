/** Systems that take packages of events: each event lands once in table and objects, or is a dead letter (D1, D2, D3, D5). */
import type { Config } from '../../config/config.ts';
import type { EventApp } from '../../pipeline/app.ts';
import { packageSource } from '../../pipeline/source-paths.ts';
import { Load, type LoadOptions } from '../load.ts';
import type { Subject, Verdict } from '../subject.ts';
import { compare } from './compare.ts';
import { type Sent, sendPackage } from './send-packages.ts';

const workers = 8;

export class PackagesSubject implements Subject {
  readonly sends = 'packages';
  readonly workingDir = undefined;
  readonly counts = {};
  /** By correlation id. */
  readonly sent = new Map<string, Sent>();
  readonly #app: EventApp;
  readonly #lines: Iterator<string>;

  /** @throws Fault USAGE for a pipeline that takes no packages */
  constructor(app: EventApp, lines: Iterator<string>) {
    packageSource(app.pipeline);
    this.#app = app;
    this.#lines = lines;
  }

  get acknowledged(): number {
    return this.sent.size;
  }

  get accepted(): number {
    return [...this.sent.values()].filter(({ rejected }) => !rejected).length;
  }

  startLoad(options: LoadOptions): Load {
    const { path } = packageSource(this.#app.pipeline);
    const sending = { path, lines: this.#lines, random: options.random, acknowledged: this.sent };
    const work = (load: Load): Promise<void> => sendPackage(load, sending);
    return new Load(
      options,
      Array.from({ length: workers }, () => work),
    );
  }

  /** All that it must have become has landed. */
  look(): Promise<void> {
    return Promise.resolve();
  }

  compare(config: Config): Promise<Verdict> {
    return compare({ app: this.#app, config }, this.sent);
  }
}
