/**
 * Nodes and servers under load, to which faults are done, one round after the other, until everything is compared: every
 * acknowledged event with table, objects and dead letters (D1, D2, D3, D5).
 */
import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import type { EventApp } from '../../pipeline/app.ts';
import { allLanded } from '../all-landed.ts';
import { seededRandom } from '../random.ts';
import { runCommand } from '../run-command.ts';
import { compareOrFail, lookOrFail, type Senders, type Subject, type Verdict } from '../subject.ts';
import { subjectOf } from '../subjects.ts';
import { ClusterNode } from './cluster-node.ts';
import { Cluster } from './cluster.ts';
import { faults } from './faults.ts';
import type { PlannedFault, Round } from './plan.ts';

export interface TrialOptions {
  readonly app: EventApp;
  /** An absolute path; undefined where there is none. */
  readonly configFile: string | undefined;
  /** Of the nodes, beside what names the servers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An empty directory. */
  readonly dir: string;
  readonly nodes: number;
  readonly seed: number;
}

/** Some 150 events a second: half an hour of them fit into memory, and the servers have time to come back. */
const longestPauseMs = 500;
/** As is promised of what nodes show of each other's events. */
const agreeWithinMs = 1_000;
/** As with the producers that there are. */
const answerTimeoutMs = 5_000;
/** On a machine that is busy with starting servers. */
const startLimitMs = 120_000;
/** From when all is back to when each node takes events. */
const recoverLimitMs = 60_000;
const acknowledgeLimitMs = 120_000;
const landLimitMs = 300_000;
const drainLimitMs = 60_000;

export class Trial {
  readonly cluster: Cluster;
  readonly nodes: readonly ClusterNode[];
  /** What it ends with, beside what is lost, twice, wrong or torn. */
  readonly failures: string[] = [];
  readonly subject: Subject;
  /** By which any process finds what has landed. */
  readonly config: Config;
  readonly #options: TrialOptions;
  readonly #urls = new Map<string, string | undefined>();
  #load: Senders | undefined;

  private constructor(options: TrialOptions, cluster: Cluster) {
    const { app, configFile, dir, seed } = options;
    this.#options = options;
    this.cluster = cluster;
    this.config = cluster.directConfig(join(dir, 'node-1', 'data'), app.pipeline.name, configFile);
    this.subject = subjectOf({ app, config: this.config, seed, agreeWithinMs, dir });
    this.nodes = Array.from({ length: options.nodes }, (_, i) => this.#createNode(`node-${i + 1}`));
  }

  /** Resolves when every node takes events. */
  static async start(options: TrialOptions): Promise<Trial> {
    const cluster = await Cluster.start(options.dir);
    const trial = new Trial(options, cluster);
    try {
      await cluster.makeTopics(trial.config);
      await Promise.all(trial.nodes.map((node) => node.start()));
      if (trial.failures.length > 0) throw new Error(trial.failures.join('\n'));
      return trial;
    } catch (error) {
      await trial.close();
      throw error;
    }
  }

  #createNode(name: string): ClusterNode {
    const { app, configFile, dir } = this.#options;
    return new ClusterNode({
      name,
      dir: join(dir, name),
      workingDir: this.subject.workingDir,
      system: app.pipeline.name,
      configFile,
      env: this.#nodeEnvironment(),
      onUrl: (url) => {
        this.#urls.set(name, url);
        this.#load?.target(url, name);
      },
      onFailure: (text) => void this.failures.push(text),
      startLimitMs,
    });
  }

  #nodeEnvironment(): Readonly<Record<string, string | undefined>> {
    return { ...this.#options.env, ...this.cluster.nodeEnvironment() };
  }

  startLoad(): Senders {
    const { seed } = this.#options;
    const random = seededRandom(seed + 1);
    const load = this.subject.startLoad({ random, longestPauseMs, answerTimeoutMs, runId: randomUUID() });
    for (const [node, url] of this.#urls) load.target(url, node);
    this.#load = load;
    return load;
  }

  /** Resolves when all that it struck is back, and each node acknowledges events again. */
  async strike(round: Round): Promise<void> {
    await this.#note({ round });
    await Promise.all(round.map((fault) => this.#strikeOne(fault, round.length === 1)));
    await this.#note({ back: round.map(({ kind }) => kind) });
    await this.acknowledging();
  }

  async #strikeOne({ kind, awayMs, afterMs, seed }: PlannedFault, isAlone: boolean): Promise<void> {
    const { cluster, nodes } = this;
    const onFailure = (text: string): void => void this.failures.push(`${kind}: ${text}`);
    await sleep(afterMs);
    await faults[kind]!.strike({ cluster, nodes, random: seededRandom(seed), awayMs, isAlone, onFailure });
  }

  /** Resolves when each node has acknowledged something since; where one does not, that is a failure. */
  async acknowledging(): Promise<void> {
    const load = this.#load;
    if (!load) return;
    const before = this.nodes.map(({ name }) => load.acknowledgedBy(name));
    const isBack = ({ name }: ClusterNode, i: number): boolean => load.acknowledgedBy(name) > before[i]!;
    for (const endMs = Date.now() + recoverLimitMs; this.failures.length === 0; await sleep(20)) {
      if (this.nodes.every(isBack)) return;
      if (Date.now() < endMs) continue;
      const silent = this.nodes.filter((node, i) => !isBack(node, i)).map(({ name }) => name);
      this.failures.push(`${silent.join(', ')} acknowledged nothing within ${recoverLimitMs / 1000} s`);
    }
  }

  /** Resolves when everything that was sent is acknowledged, and has landed. */
  async land(): Promise<void> {
    const { app } = this.#options;
    await this.stopLoad();
    if (!(await allLanded({ app, config: this.config }, this.subject.accepted, landLimitMs)))
      this.failures.push(`not everything landed within ${landLimitMs / 1000} s`);
  }

  /** Resolves when everything that was sent is acknowledged. */
  async stopLoad(): Promise<void> {
    const load = this.#load;
    if (!load) return;
    const endMs = Date.now() + acknowledgeLimitMs;
    const stopped = load.stop().then(() => true);
    if (!(await Promise.race([stopped, sleep(endMs - Date.now(), false)])))
      this.failures.push(`not everything was acknowledged within ${acknowledgeLimitMs / 1000} s`);
    for (const answer of load.unexpected) this.failures.push(`an answer that no producer should see: ${answer}`);
    this.#load = undefined;
  }

  /** Nothing more comes in. */
  async look(): Promise<void> {
    const { configFile } = this.#options;
    const env = this.#nodeEnvironment();
    const nodes = this.nodes.map(({ name, dataDir }) => {
      const workingDir = this.subject.workingDir ?? join(this.#options.dir, name);
      const command = { dataDir, configFile, env, workingDir };
      return {
        name,
        url: this.#urls.get(name) ?? '',
        runCommand: (args: readonly string[]) => runCommand(args, command),
      };
    });
    await lookOrFail(this.subject, nodes, this.failures);
  }

  async drainNodes(): Promise<void> {
    for (const node of this.nodes) {
      const code = await node.drain(drainLimitMs);
      if (code !== 0) this.failures.push(`${node.name} ended with ${code} after SIGTERM`);
    }
  }

  /** Nothing may be under way. */
  compare(): Promise<Verdict> {
    return compareOrFail(this.subject, this.config, this.failures);
  }

  /** Ends everything at once; the directory stays. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await this.cluster.close();
  }

  async #note(what: object): Promise<void> {
    const line = JSON.stringify({ time: new Date().toISOString(), ...what });
    await appendFile(join(this.#options.dir, 'faults.log'), `${line}\n`);
  }
}
