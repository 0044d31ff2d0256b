/**
 * A dead letter: an event that could not go on, as it was received, with the reason. It is a record of the
 * pipeline's dead-letter topic; its package, index and time of receipt are part of its correlation id.
 */
import { correlationIdParts } from '../event/correlation-id.ts';
import { toUuid } from '../event/ids.ts';
import { fileHeader } from '../ingest/received.ts';
import type { Header, LogRecord, NewRecord, PartitionOffset } from '../log/log.ts';
import { traceHeader } from '../telemetry/tracing.ts';

export interface DeadLetter {
  readonly correlationId: string;
  readonly packageId: string;
  readonly index: number;
  /** RFC 3339, UTC. */
  readonly receivedAt: string;
  /** Where it was refused. */
  readonly at: 'ingest' | 'processor';
  readonly pipeline: string;
  /** From the event's root; empty for the event itself. */
  readonly path: string;
  /** What was expected there. */
  readonly message: string;
  /** The event's bytes as received. */
  readonly event: Buffer;
  /** The record that the processor refused; of what ingest refused there is none. */
  readonly origin: PartitionOffset | undefined;
  /** The correlation id of the replay of this letter that was refused here; of a first refusal there is none. */
  readonly replay: string | undefined;
  /** Of the span of the package that it came in, where that was traced; an object does not keep it. */
  readonly traceparent: string | undefined;
  /** That it came in (`Received.file`), where it came in one. */
  readonly file: string | undefined;
}

export type NewDeadLetter = Pick<DeadLetter, 'correlationId' | 'at' | 'pipeline' | 'path' | 'message' | 'origin'> & {
  readonly event: Uint8Array;
  readonly replay?: string;
  readonly traceparent?: string | undefined;
  readonly file?: string | undefined;
};

export function deadLetterRecord(topic: string, letter: NewDeadLetter): NewRecord {
  const headers: Header[] = [
    ['pipeline', letter.pipeline],
    ['correlationId', letter.correlationId],
    ['at', letter.at],
    ['error', JSON.stringify({ path: letter.path, message: letter.message })],
  ];
  if (letter.origin) headers.push(['origin', JSON.stringify(letter.origin)]);
  if (letter.replay !== undefined) headers.push(['replay', letter.replay]);
  if (letter.traceparent !== undefined) headers.push([traceHeader, letter.traceparent]);
  if (letter.file !== undefined) headers.push([fileHeader, letter.file]);
  return { topic, key: letter.correlationId, value: letter.event, headers };
}

/** The record that the processor refused, also where the letter cannot be read otherwise. */
export function originOf(record: LogRecord): PartitionOffset | undefined {
  const header = record.headers.find(([name]) => name === 'origin');
  return header && (JSON.parse(header[1].toString()) as PartitionOffset);
}

/** Reads what `deadLetterRecord` wrote. @throws TypeError for a record that is none */
export function readDeadLetter(record: LogRecord): DeadLetter {
  const headers = new Map(record.headers.map(([name, value]) => [name, value.toString()]));
  const correlationId = headers.get('correlationId');
  const error = JSON.parse(headers.get('error') ?? 'null') as { path: string; message: string } | null;
  if (correlationId === undefined || error === null) {
    throw new TypeError(`the record at offset ${record.offset} is no dead letter: a header is missing`);
  }
  if (toUuid(correlationId) !== correlationId) {
    throw new TypeError(`the record at offset ${record.offset} is no dead letter: its correlation id is none`);
  }
  const { packageId, index, timeMs } = correlationIdParts(correlationId);
  return {
    correlationId,
    packageId,
    index,
    receivedAt: new Date(timeMs).toISOString(),
    at: headers.get('at') as DeadLetter['at'],
    pipeline: headers.get('pipeline') ?? '',
    path: error.path,
    message: error.message,
    event: record.value,
    origin: originOf(record),
    replay: headers.get('replay'),
    traceparent: headers.get(traceHeader),
    file: headers.get(fileHeader),
  };
}
