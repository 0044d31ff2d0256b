/** Packages under idempotency keys as ingest stores them, by one of several processes on a Kafka that they share. */
import { correlationId, createPackageIds } from '../../src/event/correlation-id.ts';
import type { Answer } from '../../src/ingest/answer.ts';
import { Idempotency } from '../../src/ingest/idempotency.ts';
import { idempotencyTopic } from '../../src/ingest/key-view.ts';
import { keyedHeader } from '../../src/ingest/keyed-record.ts';
import type { Log, LogRecord } from '../../src/log/log.ts';
import { partitionsOf } from '../../src/log/partitions.ts';
import { headerText } from '../../src/log/record-header.ts';
import { voidRecords } from '../../src/processing/void-packages.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { type Address, openLog } from './kafka-broker.ts';
import { recordsIn } from './records-in.ts';

export const racedTopic = { name: 'events.raw', partitions: 3 } as const;

export interface Racer {
  readonly log: Log;
  readonly idempotency: Idempotency;
  readonly errors: readonly unknown[];
  /** How many packages it has appended. */
  readonly stored: () => number;
  /** An answer, as a producer gets it. */
  send(key: string): Promise<Answer>;
  close(): Promise<void>;
}

const nextPackage = createPackageIds({ now: Date.now });

export async function openRacer(address: Address, views: StateStore): Promise<Racer> {
  const log = await openLog(address);
  await log.ensureTopics([racedTopic, idempotencyTopic]);
  const errors: unknown[] = [];
  let stored = 0;
  const idempotency = await Idempotency.open({ log, views, onError: (error) => errors.push(error) });
  const store = async (key: string): Promise<Answer> => {
    const prefix = nextPackage();
    const answer = { packageId: correlationId(prefix, 0), accepted: 3, rejected: 0, errors: [] };
    const batch = log.batch();
    for (let i = 0; i < 3; i++) {
      const headers = [['correlationId', correlationId(prefix, i)] as const, keyedHeader];
      batch.add({ topic: racedTopic.name, key: `${key} ${i}`, value: Buffer.from(key), headers });
    }
    idempotency.remember(batch, key, answer);
    stored += 1;
    await log.append(batch);
    return answer;
  };
  return {
    log,
    idempotency,
    errors,
    stored: () => stored,
    send: (key) => idempotency.once(key, AbortSignal.timeout(10_000), () => store(key)),
    close: async () => {
      await idempotency.close();
      await log.close();
      await views.close();
    },
  };
}

/** By key, the correlation ids of what a processor would land. */
export async function landing({ log, idempotency }: Racer): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const at of await partitionsOf(log, racedTopic.name)) {
    const records = await recordsIn(log, at);
    const out = await voidRecords(records, idempotency);
    for (const [index, record] of records.entries()) if (!out[index]) note(found, record);
  }
  return found;
}

function note(found: Map<string, string[]>, record: LogRecord): void {
  const key = record.value.toString();
  const id = headerText(record, 'correlationId');
  found.set(key, [...(found.get(key) ?? []), id].toSorted());
}

/** The ids of the three events of a package. */
export function idsOf({ packageId }: Answer): readonly string[] {
  return [0, 1, 2].map((index) => packageId.slice(0, 30) + index.toString(16).padStart(6, '0'));
}
