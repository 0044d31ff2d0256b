/**
 * Appends under a transactional id that processes share: whoever takes it over ends what the one before has under way, and brokers
 * refuse whatever that one still sends. So what is decided by reading the log, and appended then, is decided by one process at a time.
 */
import { Fault, reasonOf } from '../../errors.ts';
import type { Append } from '../log.ts';
import type { KafkaBatch } from './kafka-batch.ts';
import { type Ends, InDoubt, type TransactionalProducer } from './transactional-producer.ts';

export interface SoleAppenderOptions {
  readonly producer: TransactionalProducer;
  /** For taking over, and for each append. */
  readonly patienceMs: number;
  readonly onCommitted: (ends: Ends) => void;
}

/** @throws Fault BUSY, where brokers do not let it in time */
export async function takeOver({ producer, patienceMs, onCommitted }: SoleAppenderOptions): Promise<Append> {
  await producer.open(performance.now() + patienceMs).catch((error: unknown) => {
    throw new Fault('BUSY', `The log had no room in time: ${reasonOf(error)}`, { cause: error });
  });
  return async (batch) => {
    if (batch.count === 0) return;
    try {
      onCommitted(await producer.transact([...(batch as KafkaBatch).parts()], [], performance.now() + patienceMs));
    } catch (error) {
      throw refusal(error);
    }
  };
}

function refusal(error: unknown): Fault {
  const cause = error instanceof Error ? error.cause : error;
  if (error instanceof InDoubt)
    return new Fault('LOG_FAILED', `It is not known whether what was appended is stored: ${reasonOf(cause)}`, {
      cause: error,
    });
  return new Fault('BUSY', `Nothing was stored; another process may be at the same: ${reasonOf(cause)}`, {
    cause: error,
  });
}
