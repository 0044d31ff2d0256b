/** An error as fields of a log line: with a Fault's code and what to do, with its causes. */
import { Fault } from '../errors.ts';

export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  /** Of our catalogue, of the system (ENOENT) or of PostgreSQL (23505). */
  readonly code?: string;
  readonly todo?: string;
  /** Left out for Faults, which say where by themselves, and for what a system or a server answered (it has a code) under one. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  readonly errors?: readonly ErrorDescription[];
}

const maxCauses = 5;

export function describeError(error: unknown): ErrorDescription {
  return describe(error, 0, false);
}

function describe(error: unknown, depth: number, isUnderFault: boolean): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const code = (error as NodeJS.ErrnoException).code as unknown;
  const deeper = depth < maxCauses;
  const isFault = error instanceof Fault;
  const isExpected = isFault || (isUnderFault && typeof code === 'string');
  const inner = (one: unknown) => describe(one, depth + 1, isUnderFault || isFault);
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(isFault && { todo: error.todo }),
    ...(!isExpected && { stack: error.stack ?? '' }),
    ...(error.cause !== undefined && deeper ? { cause: inner(error.cause) } : {}),
    ...(error instanceof AggregateError && deeper ? { errors: error.errors.map(inner) } : {}),
  };
}
