/** The sink contract's events as versions of a dimension, and what a plain fold over a set of events leaves of them. */
import { Reject } from '../../src/event/reject.ts';
import type { Timestamp } from '../../src/event/time.ts';
import { bigint, nullable, text, timestamptz, uuid } from '../../src/pipeline/columns.ts';
import type { DimensionSink } from '../../src/pipeline/pipeline.ts';
import { createPostgresSink } from '../../src/sinks/postgres/postgres-sink.ts';
import type { Sink } from '../../src/sinks/sink.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import type { TestEvent } from '../contracts/sink.ts';
import { uuidOf } from './table-events.ts';

/** Each of the contract's events is the only version of its key. */
export function contractDimension(name: string): DimensionSink<TestEvent> {
  return {
    kind: 'dimension',
    name,
    columns: { id: text(), at: timestamptz(), correlation_id: uuid() },
    key: ['id'],
    order: ['at'],
    keep: 'last',
    history: `${name}_history`,
    correlationId: 'correlation_id',
    row: ({ id, time: at, bad }) => {
      if (bad) throw new Reject('data.bad', 'something good');
      return { id, at, correlation_id: uuidOf(id) };
    },
  };
}

/** A version of something. */
export interface Version {
  readonly key: number;
  readonly at: Timestamp;
  readonly id: string;
  readonly name: string;
  readonly note: string | null;
  readonly correlationId: string;
  /** It is none of the table's. */
  readonly isOther?: boolean;
  /** Refused when the row is made, or by PostgreSQL. */
  readonly bad?: 'row' | 'staging';
}

export type Keep = 'first' | 'last' | 'history';

export function versionsInto(name: string, keep: Keep): DimensionSink<Version> {
  return {
    kind: 'dimension',
    name,
    columns: {
      key: bigint(),
      note: nullable(text()),
      at: timestamptz(),
      id: text(),
      name: text(),
      correlation_id: uuid(),
    },
    key: ['key'],
    order: ['at', 'id'],
    keep: keep === 'first' ? 'first' : 'last',
    ...(keep === 'history' && { history: `${name}_history` }),
    correlationId: 'correlation_id',
    row: ({ key, at, id, name: called, note, correlationId, isOther, bad }) => {
      if (bad === 'row') throw new Reject('name', 'something good');
      if (isOther) return undefined;
      return { key, at, id, name: bad ? 'a\0b' : called, note, correlation_id: correlationId };
    },
  };
}

export function dimensionInto<E>(warehouse: Warehouse, definition: DimensionSink<E>, logId = 'log'): Sink<E> {
  return createPostgresSink({ warehouse, logId, pipeline: 'test', definition });
}

/** One text a row, in order. */
export interface Tables {
  readonly current: readonly string[];
  readonly history: readonly string[];
}

/** What the tables must be: of all versions, in whatever order they came. */
export function fold(versions: readonly Version[], keep: Keep): Tables {
  const good = versions.filter(({ isOther, bad }) => !isOther && !bad).toSorted(inOrder);
  const distinct = good.filter((one, i) => i === good.length - 1 || !isSameVersion(one, good[i + 1]!));
  const byKey = Map.groupBy(keep === 'first' ? good : distinct, ({ key }) => key);
  const kept = [...byKey.values()].map((ofKey) => (keep === 'first' ? ofKey[0]! : ofKey.at(-1)!));
  const history = distinct.map((version, i) => {
    const next = distinct[i + 1];
    const to = next?.key === version.key ? next.at : null;
    return JSON.stringify([...valuesOf(version), version.at, to, to === null]);
  });
  return {
    current: kept.map((version) => JSON.stringify(valuesOf(version))).toSorted(),
    history: keep === 'history' ? history.toSorted() : [],
  };
}

const time = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export async function readTables(warehouse: Warehouse, name: string, keep: Keep): Promise<Tables> {
  const values = `key::int AS key, ${time('at')} AS at, id, note, name, correlation_id`;
  const read = async (table: string, more = ''): Promise<string[]> => {
    const query = `SELECT ${values}${more} FROM ${table}`;
    const { rows } = await warehouse.pool.query<unknown[]>({ text: query, rowMode: 'array' });
    return rows.map((row) => JSON.stringify(row)).toSorted();
  };
  const history = `, ${time('valid_from')}, ${time('valid_to')}, is_current`;
  return { current: await read(name), history: keep === 'history' ? await read(`${name}_history`, history) : [] };
}

function valuesOf({ key, at, id, note, name, correlationId }: Version) {
  return [key, at, id, note, name, correlationId];
}

function isSameVersion(one: Version, other: Version): boolean {
  return one.key === other.key && one.at === other.at && one.id === other.id;
}

/** By key, then order, then the other columns as the table has them: NULL is greater than any value. */
function inOrder(one: Version, other: Version): number {
  return (
    one.key - other.key ||
    bytes(one.at, other.at) ||
    bytes(one.id, other.id) ||
    Number(one.note === null) - Number(other.note === null) ||
    bytes(one.note ?? '', other.note ?? '') ||
    bytes(one.name, other.name) ||
    bytes(one.correlationId, other.correlationId)
  );
}

function bytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
