/** What is particular to a kind of system under proof: what is sent to it, and what it must have made of that. */
import type { Config } from '../config/config.ts';
import type { LoadOptions } from './load.ts';

export interface Subject {
  /** What is acknowledged at once. */
  readonly sends: 'packages' | 'requests' | 'files' | 'envelopes';
  /** In which nodes have to be started; undefined where it does not matter. */
  readonly workingDir: string | undefined;
  /** Events of all loads that were acknowledged. */
  readonly acknowledged: number;
  /** Those of them that the log has taken for the processor. */
  readonly accepted: number;
  /** What else it counts, in the words of a report. */
  readonly counts: Readonly<Record<string, number>>;
  /** Producers at work from now on. One load at a time; what was acknowledged is remembered for all of them together. */
  startLoad(options: LoadOptions): Senders;
  /**
   * Looks at the nodes while they run, once all has landed and nothing more comes in.
   * @throws what it finds wrong
   */
  look(nodes: readonly LookedAt[]): Promise<void>;
  /** Reads what has landed, with nothing of the program running, and compares it with what was acknowledged. */
  compare(config: Config): Promise<Verdict>;
}

/** Those who send, at work. */
export interface Senders {
  /** What was begun, in the words of `Subject.sends`. */
  readonly deliveries: number;
  readonly resent: number;
  /** Answers that no producer should see. */
  readonly unexpected: readonly string[];
  /** Attempts that brought no answer, by what came instead: a status, or the code of an error. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** Where a node takes events from now on; undefined: nowhere until the next one. */
  target(url: string | undefined, node?: string): void;
  /** What the node, as far as can be told, has acknowledged. */
  acknowledgedBy(node: string): number;
  /** Begins nothing more; resolves when all that was begun is acknowledged. */
  stop(): Promise<void>;
}

/** A node that runs. */
export interface LookedAt {
  readonly name: string;
  readonly url: string;
  /** A command of the program, on its data directory; throws where that does not end with 0. */
  readonly runCommand: (args: readonly string[]) => Promise<void>;
}

export interface Verdict {
  readonly landed: number;
  readonly deadLetters: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly wrong: readonly string[];
  /** Objects that do not end with a line feed, or hold a line that is no JSON; and files of which a part was taken for the whole. */
  readonly torn: readonly string[];
}

/** What it finds wrong is one more failure. */
export async function lookOrFail(subject: Subject, nodes: readonly LookedAt[], failures: string[]): Promise<void> {
  await subject.look(nodes).catch((error: Error) => void failures.push(`what it answers: ${error.message}`));
}

/** Where it cannot be compared, that is one more failure. */
export async function compareOrFail(subject: Subject, config: Config, failures: string[]): Promise<Verdict> {
  return subject.compare(config).catch((error: Error) => {
    failures.push(`what has landed cannot be read: ${error.message}`);
    return { landed: 0, deadLetters: 0, lost: [], twice: [], wrong: [], torn: [] };
  });
}
