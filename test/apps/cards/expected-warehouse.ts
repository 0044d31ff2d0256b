/** What the warehouse must have, by a plain fold over the set of valid events, and what it has. */
import { Client } from 'pg';
import type { MadeEvent } from '../../../apps/cards/made-events.ts';

/** One text a row, sorted. */
export interface Warehouse {
  readonly users: readonly string[];
  readonly cards: readonly string[];
  readonly history: readonly string[];
  readonly events: readonly string[];
  /** cards, without_user_id, with_unknown_user_id */
  readonly unknown: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

export function expectedWarehouse(made: readonly MadeEvent[]): Warehouse {
  const events = [...new Map(made.map((event) => [event.metadata.event_id, event])).values()];
  const ofType = (type: string): MadeEvent[] => events.filter(({ metadata }) => metadata.type === type);
  const users = byId(ofType('user').toSorted(by(({ metadata }) => [metadata.event_at, metadata.event_id])));
  const cards = byId(
    ofType('card').toSorted(by(({ metadata, payload }) => [payload['updated_at'], metadata.event_id])),
  );
  const current = [...cards.values()].map((versions) => versions.at(-1)!);
  const unknown = current.filter(({ payload }) => !users.has(payload['user_id'] as number));
  const without = unknown.filter(({ payload }) => payload['user_id'] === undefined).length;
  return {
    users: texts([...users.values()].map((versions) => userRow(versions.at(-1)!))),
    cards: texts(current.map(cardRow)),
    history: texts(
      [...cards.values()].flatMap((versions) =>
        versions.map((version, i) => {
          const to = versions[i + 1]?.payload['updated_at'] ?? null;
          return [...cardRow(version), version.payload['updated_at'], to, to === null];
        }),
      ),
    ),
    events: texts(
      events.map(({ metadata, payload }) => [metadata.event_id, metadata.type, metadata.event_at, payload]),
    ),
    unknown: texts([[unknown.length, without, unknown.length - without]]),
  };
}

export async function readWarehouse(url: string): Promise<Warehouse> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const read = async (columns: string, table: string): Promise<string[]> => {
      const query = { text: `SELECT jsonb_build_array(${columns}) FROM cards.${table}`, rowMode: 'array' };
      return texts((await client.query<[unknown[]]>(query)).rows.map(([row]) => row));
    };
    const card = 'id, user_id, created_by_name, updated_at::text, created_at::text, active, event_id';
    return {
      users: await read('id, name, address, job, score, event_at::text, event_id', 'users'),
      cards: await read(card, 'cards'),
      history: await read(`${card}, valid_from::text, valid_to::text, is_current`, 'card_history'),
      events: await read('event_id, type, event_at::text, payload', 'events'),
      unknown: await read('cards, without_user_id, with_unknown_user_id', 'cards_of_unknown_users'),
    };
  } finally {
    await client.end();
  }
}

function userRow({ metadata, payload }: MadeEvent): readonly unknown[] {
  const { id, name, address, job, score } = payload;
  return [id, name, address, job, score, metadata.event_at, metadata.event_id];
}

function cardRow({ metadata, payload }: MadeEvent): readonly unknown[] {
  const { id, user_id, created_by_name, updated_at, created_at, active } = payload;
  return [id, user_id ?? null, created_by_name, updated_at, created_at, active, metadata.event_id];
}

function byId(events: readonly MadeEvent[]): ReadonlyMap<number, readonly MadeEvent[]> {
  return Map.groupBy(events, ({ payload }) => payload['id'] as number);
}

function by(order: (event: MadeEvent) => readonly unknown[]): (one: MadeEvent, other: MadeEvent) => number {
  const text = (event: MadeEvent): string => order(event).join(' ');
  return (one, other) => (text(one) < text(other) ? -1 : 1);
}

function sorted(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value as Fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Objects in the order of their names. */
function texts(rows: readonly (readonly unknown[])[]): string[] {
  return rows.map((row) => JSON.stringify(row, sorted)).toSorted();
}
