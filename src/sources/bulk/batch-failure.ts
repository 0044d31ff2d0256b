/** What PostgreSQL says of a batch that is nobody's fault who sends it. */
import { DatabaseError } from 'pg';
import { Fault, isFault, reasonOf } from '../../errors.ts';

const diskFull = '53100';
const denied = '42501';

/** A Fault, or where it is a defect of ours the error as it is. */
export function explained(error: unknown): unknown {
  if (isFault(error) || !(error instanceof Error)) return error;
  if (!(error instanceof DatabaseError)) return isDefect(error) ? error : unavailable(error);
  const code = error.code ?? '';
  if (code === denied)
    return new Fault('WAREHOUSE_DENIED', `PostgreSQL refuses our role: ${error.message}`, { cause: error });
  if (code === diskFull)
    return new Fault('WAREHOUSE_FULL', `PostgreSQL has no room for the batch: ${error.message}`, { cause: error });
  if (/^(?:40|55P03)/.test(code))
    return new Fault('BUSY', `another transaction was in the way: ${error.message}`, { cause: error });
  return /^(?:08|53|57|58|XX)/.test(code) ? unavailable(error) : error;
}

function unavailable(error: Error): Fault {
  return new Fault('WAREHOUSE_UNAVAILABLE', `PostgreSQL did not end the batch: ${reasonOf(error)}`, { cause: error });
}

function isDefect(error: Error): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}
