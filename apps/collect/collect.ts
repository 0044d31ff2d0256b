/** Packages of events over HTTP, each event validated, kept in the log, enriched, and landed in objects and in PostgreSQL. */
import { type App, definePipeline, http, objects, registered, table } from 'tributary';
import type { EventsRawValue } from './events-raw-value.ts';
import { generateEvents } from './generate.ts';
import { stampsToAttributes } from './normalise.ts';
import { eventColumns, toObjectPrefix, toRow } from './row.ts';
import { addMetadata } from './transform.ts';

export const pipeline = definePipeline({
  name: 'collect',
  source: http.post('/collect', { maxEvents: 100_000 }),
  normalise: stampsToAttributes,
  verbatim: ['data'],
  schema: registered<EventsRawValue>('events.raw-value'),
  topic: { name: 'events.raw', key: (event) => event.attributes.newContextStamp.accountId },
  deadLetterTopic: 'events.dead.letter',
  process: { transform: addMetadata, onInvalid: 'dead-letter' },
  sinks: [
    table({
      name: 'events',
      columns: eventColumns,
      partitionBy: { column: 'timestamp_stamp', every: 'month' },
      indexes: [['type']],
      correlationId: 'correlation_id',
      row: toRow,
    }),
    objects({ key: toObjectPrefix }),
  ],
});

export const generate = generateEvents;

export const app = { pipeline, generate } satisfies App;
