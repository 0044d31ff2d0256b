/** Makes an event invalid, in each way that ingest refuses: a field is missing, or is not what it should be. */
import type { Random } from '../random.ts';
import type { MadeEvent } from './made-events.ts';

type Spoil = (event: MadeEvent) => unknown;
type Spoils = readonly [Spoil, ...Spoil[]];

export function spoilEvent(event: MadeEvent, random: Random): unknown {
  const ofPayload = event.metadata.type === 'user' ? badUsers : badCards;
  return random.pick<Spoil>([...badMetadata, ...ofPayload])(event);
}

const inMetadata =
  (fields: Readonly<Record<string, unknown>>): Spoil =>
  ({ metadata, payload }) => ({ metadata: { ...metadata, ...fields }, payload });

const inPayload =
  (fields: Readonly<Record<string, unknown>>): Spoil =>
  ({ metadata, payload }) => ({ metadata, payload: { ...payload, ...fields } });

/** A field that is undefined is left out. */
export const badMetadata: Spoils = [
  ({ payload }) => ({ payload }),
  ({ metadata }) => ({ metadata }),
  ({ metadata }) => ({ metadata, payload: null }),
  inMetadata({ type: undefined }),
  inMetadata({ type: 'account' }),
  inMetadata({ event_at: undefined }),
  inMetadata({ event_at: '2022-04-01T12:00:00Z' }),
  inMetadata({ event_at: '2022-02-30 12:00:00' }),
  inMetadata({ event_id: undefined }),
  inMetadata({ event_id: '7' }),
];

export const badUsers: Spoils = [
  inPayload({ id: undefined }),
  inPayload({ id: '7' }),
  inPayload({ id: -1 }),
  inPayload({ name: null }),
  inPayload({ address: undefined }),
  inPayload({ job: 7 }),
  inPayload({ score: '0.5' }),
];

export const badCards: Spoils = [
  inPayload({ id: 1.5 }),
  inPayload({ user_id: '431' }),
  inPayload({ created_by_name: undefined }),
  inPayload({ updated_at: 'yesterday' }),
  inPayload({ created_at: undefined }),
  inPayload({ active: 1 }),
];
