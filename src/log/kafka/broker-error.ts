/** What a broker answers that is no success, by the protocol's own name for it. */
import { protocolErrorsCodesById, ResponseError } from '@platformatic/kafka';

export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  /** As in https://kafka.apache.org/protocol#protocol_error_codes. */
  readonly id: string;

  constructor(id: string, what: string, detail?: string | null) {
    super(`${what}: ${id}${detail ? ` (${detail})` : ''}`);
    this.id = id;
  }
}

/** @throws BrokerError unless the code is 0 */
export function check(code: number, what: string, detail?: string | null): void {
  if (code === 0) return;
  const names: Readonly<Record<number, string>> = protocolErrorsCodesById;
  throw new BrokerError(names[code] ?? `error ${code}`, what, detail);
}

/** Any, or one of these. */
export function isBrokerError(error: unknown, ...ids: readonly string[]): error is BrokerError {
  return error instanceof BrokerError && (ids.length === 0 || ids.includes(error.id));
}

/** The answer, also where it holds error codes, which the client throws: they belong to parts of it, and are looked at there. */
export async function answerOf<T extends object>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ResponseError && 'response' in error) return error.response as T;
    throw error;
  }
}

/** The partition has another leader by now, or none for the moment. */
export function isStale(error: unknown): boolean {
  return isBrokerError(
    error,
    'NOT_LEADER_OR_FOLLOWER',
    'LEADER_NOT_AVAILABLE',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'REPLICA_NOT_AVAILABLE',
    'KAFKA_STORAGE_ERROR',
    'OFFSET_NOT_AVAILABLE',
    'UNKNOWN_TOPIC_OR_PARTITION',
  );
}
