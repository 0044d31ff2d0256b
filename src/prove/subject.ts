/** What is particular to a kind of system under proof: what is sent to it, and what it must have made of that. */
import type { Config } from '../config/config.ts';
import type { Load, LoadOptions } from './load.ts';

export interface Subject {
  /** What is acknowledged at once. */
  readonly sends: 'packages' | 'requests' | 'envelopes';
  /** Events of all loads that were acknowledged. */
  readonly acknowledged: number;
  /** Those of them that the log has taken for the processor. */
  readonly accepted: number;
  /** What else it counts, in the words of a report. */
  readonly counts: Readonly<Record<string, number>>;
  /** Producers at work from now on. One load at a time; what was acknowledged is remembered for all of them together. */
  startLoad(options: LoadOptions): Load;
  /**
   * Looks at the nodes while they run, once all has landed and nothing more comes in.
   * @throws what it finds wrong
   */
  look(nodes: readonly LookedAt[]): Promise<void>;
  /** Reads what has landed, with nothing of the program running, and compares it with what was acknowledged. */
  compare(config: Config): Promise<Verdict>;
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
  /** Objects that do not end with a line feed, or hold a line that is no JSON. */
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
