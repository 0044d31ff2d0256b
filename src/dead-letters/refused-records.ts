/**
 * The records that an event becomes when the processor refuses it: a dead letter. Where the event is itself the replay of a
 * letter, there is no second letter: the letter's own id stands again in the topic, its event as it was received
 * at first and the newest reason, and a repair opens it again. All of them belong into one batch (D2, D9).
 */
import { isUtf8 } from 'node:buffer';
import { isJson } from '../event/json-syntax.ts';
import { fileHeader } from '../ingest/received.ts';
import type { LogRecord, NewRecord, PartitionOffset } from '../log/log.ts';
import { headerBytes } from '../schemas/wire.ts';
import { traceHeader } from '../telemetry/tracing.ts';
import { deadLetterRecord } from './dead-letter.ts';
import { repairRecord } from './repair.ts';

export interface Refused {
  readonly record: LogRecord;
  readonly origin: PartitionOffset;
  readonly pipeline: string;
  readonly deadLetterTopic: string;
  readonly path: string;
  readonly message: string;
}

export function refusedRecords({ record, origin, pipeline, deadLetterTopic, path, message }: Refused): NewRecord[] {
  const headers = new Map(record.headers);
  const correlationId = headers.get('correlationId')?.toString() ?? '';
  const letterId = headers.get(replayOf)?.toString();
  const event = headers.get(firstReceived) ?? headers.get('received') ?? jsonIn(record.value);
  const traceparent = headers.get(traceHeader)?.toString();
  const file = headers.get(fileHeader)?.toString();
  const letter = { at: 'processor', pipeline, path, message, event, origin, traceparent, file } as const;
  if (letterId === undefined) return [deadLetterRecord(deadLetterTopic, { ...letter, correlationId })];
  return [
    deadLetterRecord(deadLetterTopic, { ...letter, correlationId: letterId, replay: correlationId }),
    repairRecord(letterId, { kind: 'refusal', path, message, replay: correlationId }),
  ];
}

/** An event that was made here, not received, is JSON behind the header of its value; anything else is shown as it is. */
function jsonIn(value: Buffer): Buffer {
  const payload = value.subarray(headerBytes);
  return value[0] === 0 && isUtf8(payload) && isJson(payload) ? payload : value;
}

/** Header of a replayed event: the letter's correlation id. */
export const replayOf = 'replayOf';
/** Header of an event that was edited before it was replayed: the bytes as received at first. */
export const firstReceived = 'firstReceived';
