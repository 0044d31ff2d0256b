/** The warehouse, in a schema of its own: the current state of users and cards, every version of a card, and the events themselves. */
import { bigint, boolean, dimension, double, jsonb, nullable, text, timestamp, timestamptz, uuid } from 'tributary';
import type { CardEvent } from './card-event.ts';

const schema = 'cards';

/** Of a user the last that was told. */
export const users = dimension({
  schema,
  name: 'users',
  columns: {
    id: bigint(),
    name: text(),
    address: text(),
    job: text(),
    score: double(),
    event_at: timestamp(),
    event_id: uuid(),
    correlation_id: uuid(),
  },
  key: ['id'],
  order: ['event_at', 'event_id'],
  correlationId: 'correlation_id',
  row: ({ user, event_at, event_id, correlation_id }: CardEvent) =>
    user && { ...user, event_at, event_id, correlation_id },
});

/** Two modifications of one second are in the order of their event ids, the greater one last. */
export const cards = dimension({
  schema,
  name: 'cards',
  history: 'card_history',
  columns: {
    id: bigint(),
    user_id: nullable(bigint()),
    created_by_name: text(),
    updated_at: timestamp(),
    created_at: timestamp(),
    active: boolean(),
    event_id: uuid(),
    correlation_id: uuid(),
  },
  key: ['id'],
  order: ['updated_at', 'event_id'],
  correlationId: 'correlation_id',
  row: ({ card, event_id, correlation_id }: CardEvent) => card && { ...card, event_id, correlation_id },
});

/** Every valid event, as it came first: one that comes again changes nothing. */
export const events = dimension({
  schema,
  name: 'events',
  columns: {
    event_id: uuid(),
    type: text(),
    event_at: timestamp(),
    payload: jsonb(),
    file: nullable(text()),
    arrived_at: timestamptz(),
    correlation_id: uuid(),
  },
  key: ['event_id'],
  order: ['arrived_at', 'correlation_id'],
  keep: 'first',
  correlationId: 'correlation_id',
  row: ({ event_id, type, event_at, payload, file, arrived_at, correlation_id }: CardEvent) => ({
    event_id,
    type,
    event_at,
    payload,
    file,
    arrived_at,
    correlation_id,
  }),
});
