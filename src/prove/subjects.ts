/** Which subject a system is. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import type { EventApp } from '../pipeline/app.ts';
import { EnvelopesSubject } from './envelopes/envelopes-subject.ts';
import { FilesSubject } from './files/files-subject.ts';
import { PackagesSubject } from './packages/packages-subject.ts';
import { RequestsSubject } from './requests/requests-subject.ts';
import type { Subject } from './subject.ts';

export interface SubjectOptions {
  readonly app: EventApp;
  /** By which any process finds what has come in. */
  readonly config: Config;
  readonly seed: number;
  /** Within which nodes show each other's events in what they answer; 0 for one node, which shows its own at once. */
  readonly agreeWithinMs: number;
  /** Of the proof. */
  readonly dir: string;
}

const invalidShare = 0.05;

/** @throws Fault USAGE for a system of which nothing is known here */
export function subjectOf({ app, config, seed, agreeWithinMs, dir }: SubjectOptions): Subject {
  const { name, source } = app.pipeline;
  if (!app.generate) throw new Fault('USAGE', `${name} has no generator, so there is nothing to send`);
  const lines = app.generate({ count: 1_000_000_000, invalidShare, seed })[Symbol.iterator]();
  if (source.kind === 'files') return new FilesSubject({ app, config, lines, workingDir: join(dir, 'files') });
  if (source.kind !== 'http') return new RequestsSubject(app, lines, agreeWithinMs);
  return source.envelope ? new EnvelopesSubject(app, lines) : new PackagesSubject(app, lines);
}
