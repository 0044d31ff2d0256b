/**
 * One catalogue of what can go wrong for reasons outside our code: each code with what happened and what to do.
 * Whatever is thrown on purpose is a `Fault`; everything else is a bug and is reported as one.
 */
import { failures } from './errors/failures.ts';
import { refusals } from './errors/refusals.ts';

export const catalogue = { ...refusals, ...failures } as const;

export type FaultCode = keyof typeof catalogue;

/** An expected failure. `message` says what happened and where; `todo` what to do about it. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get todo(): string {
    return catalogue[this.code].todo;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** What an error says. An AggregateError (each address of a host refused) has no message of its own. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
