/**
 * Events that are pushed, in requests that are taken or refused as a whole, into objects that are read as one table with Hive partitions:
 * each event once, and none of those that are known to be wrong.
 */
import {
  type App,
  dayOf,
  definePipeline,
  http,
  objects,
  percentEncodeSegment,
  registered,
  timestampOf,
} from 'tributary';
import type { Timestamp } from 'tributary';
import { generateEvents } from './generate.ts';
import type { LakeEvent } from './lake-event.ts';
import { checkEvent } from './check-event.ts';
import { pulls } from './pulls.ts';

export const pipeline = definePipeline({
  name: 'lake',
  source: http.post('/webhook/events', {
    maxEvents: 10_000,
    // A request that is refused is kept whole, as one record of the log.
    maxPackageBytes: 16 * 1024 * 1024,
    envelope: {
      events: 'events',
      answer: ({ packageId, accepted }) => ({ status: 'success', package_id: packageId, accepted }),
    },
  }),
  normalise: checkEvent,
  verbatim: ['properties'],
  schema: registered<LakeEvent>('lake.raw-value'),
  topic: { name: 'lake.raw', key: ({ event_id }) => event_id },
  deadLetterTopic: 'lake.dead.letter',
  process: {
    // Known to be problematic: they are counted, and nobody is to read them.
    filter: ({ event_type }) => (event_type === 'signup' ? 'signup' : undefined),
    transform: (event) => event,
    deduplicate: { key: ({ event_id }) => event_id, windowHours: 7 * 24 },
    onInvalid: 'dead-letter',
    batch: { flushEvents: 50, flushIntervalMs: 5_000 },
  },
  sinks: [objects({ key: toPartition })],
});

/** As Hive and what reads like it names partitions, each level by its column. */
function toPartition({ event_type, timestamp }: LakeEvent): string {
  const date = dayOf(timestampOf(timestamp) as Timestamp);
  return `events/event_type=${percentEncodeSegment(event_type)}/date=${date}`;
}

export const app = { pipeline, pulls, generate: generateEvents } satisfies App;
