/** Events of users and cards, one a file, into a warehouse that knows how things are and, of cards, how they were. */
import { type App, definePipeline, files, registered } from 'tributary';
import { toCardEvent } from './card-event.ts';
import type { CardsRawValue } from './cards-raw-value.ts';
import { generateCards } from './generate.ts';
import { checkEvent } from './normalise.ts';
import { cards, events, users } from './tables.ts';

export const pipeline = definePipeline({
  name: 'cards',
  source: files.inbox({ directories: ['data/events/inbox/users', 'data/events/inbox/cards'] }),
  normalise: checkEvent,
  verbatim: ['payload'],
  schema: registered<CardsRawValue>('cards.raw-value'),
  topic: { name: 'cards.raw', key: ({ metadata, payload }) => `${metadata.type} ${payload.id}` },
  deadLetterTopic: 'cards.dead.letter',
  process: { transform: toCardEvent, onInvalid: 'dead-letter' },
  sinks: [users, cards, events],
  migrations: new URL('warehouse/', import.meta.url),
});

export const app = { pipeline, generate: generateCards } satisfies App;
