/** An error as fields of a log line: with a Fault's code and what to do, with its causes. */
import { Fault } from '../errors.ts';

export interface ErrorDescription {
  readonly type: string;
  readonly message: string;
  /** Of our catalogue, of the system (ENOENT) or of PostgreSQL (23505). */
  readonly code?: string;
  readonly todo?: string;
  /** Left out for Faults: they say where by themselves. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
  readonly errors?: readonly ErrorDescription[];
}

const maxCauses = 5;

export function describeError(error: unknown): ErrorDescription {
  return describe(error, 0);
}

function describe(error: unknown, depth: number): ErrorDescription {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const code = (error as NodeJS.ErrnoException).code as unknown;
  const deeper = depth < maxCauses;
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error instanceof Fault ? { todo: error.todo } : { stack: error.stack ?? '' }),
    ...(error.cause !== undefined && deeper ? { cause: describe(error.cause, depth + 1) } : {}),
    ...(error instanceof AggregateError && deeper
      ? { errors: error.errors.map((one) => describe(one, depth + 1)) }
      : {}),
  };
}
