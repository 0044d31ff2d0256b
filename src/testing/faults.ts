/** What a test lets go wrong, and the calls to the parts of a pipeline that go wrong so. */
import { Fault } from '../errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { type CallFault, FaultyCalls } from './faulty-calls.ts';

/**
 * A write that goes wrong. It is counted from the start of the process: a restart begins at 1 again, without faults.
 *
 * - `refuse`: it fails, with nothing written. The log answers 503; a processor tries the batch again.
 * - `stall`: it never ends, as on a server that does not answer, until `crash`.
 * - `crash before`, `crash after`: the process is gone, before anything is written or once all is.
 */
export type InjectedFault =
  | {
      /** A package or dead letters that are appended. */
      readonly at: 'log';
      /** Which write, from 1. */
      readonly write: number;
      readonly how: 'refuse' | 'crash before' | 'crash after';
    }
  | {
      /** A batch that becomes visible in the sink of this name, a processor that notes in the keyed state what it is about to land, or how far it has come, or a view that puts there what it has counted. */
      readonly at: `sink ${string}` | 'checkpoint' | 'view';
      /** Which write, from 1. */
      readonly write: number;
      readonly how: 'refuse' | 'stall' | 'crash before' | 'crash after';
    };

/** The calls to each part of one process. When one crashes, all end. */
export interface PartCalls {
  readonly log: FaultyCalls;
  readonly checkpoint: FaultyCalls;
  readonly view: FaultyCalls;
  readonly sink: (name: string) => FaultyCalls;
  /** What is remembered of files; nothing of it goes wrong by itself. */
  readonly files: FaultyCalls;
  /** Resolves when the process has ended. */
  readonly crashed: Promise<void>;
  /** Resolves when every fault has happened. */
  readonly struck: Promise<void>;
  end(): void;
}

/** As `faulty-parts.ts` names them. */
const writes = { log: 'append dead letters', checkpoint: 'commit checkpoint', sink: 'commit rows' };
const hows = { refuse: 'fail before', stall: 'stall before' } as const;

/** @throws Fault USAGE where a fault could never happen */
export function partCalls(pipeline: Pipeline, faults: readonly InjectedFault[]): PartCalls {
  const names = pipeline.sinks.map(({ name }) => name);
  check(faults, pipeline);
  const callsAt = (at: InjectedFault['at'], write: string): FaultyCalls =>
    new FaultyCalls(faults.filter((fault) => fault.at === at).map((fault) => callFault(fault, write)));
  const log = callsAt('log', writes.log);
  const checkpoint = callsAt('checkpoint', writes.checkpoint);
  const view = callsAt('view', writes.checkpoint);
  const sinks = new Map(names.map((name) => [name, callsAt(`sink ${name}`, writes.sink)]));
  const files = new FaultyCalls();
  const all = [log, checkpoint, view, files, ...sinks.values()];
  const end = (): void => all.forEach((calls) => calls.end());
  const crashed = Promise.race(all.map((calls) => calls.crashed)).then(end);
  const struck = Promise.all(all.map((calls) => calls.struck)).then(() => undefined);
  return { log, checkpoint, view, sink: (name) => sinks.get(name) as FaultyCalls, files, crashed, struck, end };
}

function callFault({ at, write, how }: InjectedFault, of: string): CallFault {
  const text = `the test refuses write ${write} at ${at}`;
  const error = at === 'log' ? new Fault('LOG_FULL', text) : new Error(text);
  return { of, call: write - 1, how: how === 'refuse' || how === 'stall' ? hows[how] : how, error };
}

function check(faults: readonly InjectedFault[], { sinks, views }: Pipeline): void {
  const own = [...sinks.map(({ name }) => `sink ${name}`), ...(views.length > 0 ? ['view'] : [])];
  const places = ['log', 'checkpoint', ...own];
  for (const { at, write } of faults) {
    if (!places.includes(at)) throw new Fault('USAGE', `faults: expected one of ${places.join(', ')}, got ${at}`);
    if (!(Number.isSafeInteger(write) && write >= 1))
      throw new Fault('USAGE', `faults: writes at ${at} count from 1, got ${write}`);
  }
}
