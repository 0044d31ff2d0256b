import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CompatibilityLevel,
  compatibilityLevels,
  incompatibilities,
  readabilityProblems,
} from '../../../src/schemas/compatibility/compatibility.ts';
import type { ParsedSchemaText } from '../../../src/schemas/compatibility/parsed-schema.ts';
import { isFault } from '../../../src/errors.ts';
import { avro, json, proto } from './texts.ts';

const order = (...fields: readonly object[]): ParsedSchemaText => avro({ type: 'record', name: 'Order', fields });
const id = { name: 'id', type: 'string' };
const price = { name: 'price', type: 'long' };
const optionalPrice = { ...price, default: 0 };

const found = (
  level: CompatibilityLevel,
  next: ParsedSchemaText,
  ...previous: readonly ParsedSchemaText[]
): readonly string[] =>
  incompatibilities(
    level,
    next,
    previous.map((schema, i) => ({ ...schema, version: i + 1 })),
  ).map(({ kind, version }) => `${kind} ${version}`);

const missing = 'READER_FIELD_MISSING_DEFAULT_VALUE';

describe('compatibility levels', () => {
  it('let everything be registered first', () => {
    for (const level of compatibilityLevels) assert.deepEqual(found(level, order(id)), []);
  });

  it('NONE compares nothing', () => {
    assert.deepEqual(found('NONE', json(false), order(id)), []);
  });

  it('BACKWARD asks that the new schema reads what the newest wrote', () => {
    assert.deepEqual(found('BACKWARD', order(id, price), order(id)), [`${missing} 1`]);
    assert.deepEqual(found('BACKWARD', order(id), order(id, price)), []);
    assert.deepEqual(found('BACKWARD', order(id, price), order(id), order(id, optionalPrice)), []);
  });

  it('FORWARD asks that the newest reads what the new schema writes', () => {
    assert.deepEqual(found('FORWARD', order(id), order(id, price)), [`${missing} 1`]);
    assert.deepEqual(found('FORWARD', order(id, price), order(id)), []);
    assert.deepEqual(found('FORWARD', order(id), order(id, price), order(id)), []);
  });

  it('FULL asks both', () => {
    assert.deepEqual(found('FULL', order(price), order(id)), [`${missing} 1`, `${missing} 1`]);
    assert.deepEqual(found('FULL', order(id, optionalPrice), order(id)), []);
  });

  it('the transitive ones look at all versions, the newest first', () => {
    const history = [order(id), order(id, optionalPrice), order(id)] as const;
    const kept = order(id, price);
    assert.deepEqual(found('BACKWARD_TRANSITIVE', kept, ...history), [`${missing} 3`, `${missing} 1`]);
    assert.deepEqual(
      found('FORWARD_TRANSITIVE', order(), ...history),
      [3, 2, 1].map((version) => `${missing} ${version}`),
    );
    assert.deepEqual(found('FULL_TRANSITIVE', kept, ...history), [`${missing} 3`, `${missing} 1`]);
  });

  it('another type of schema reads nothing', () => {
    assert.deepEqual(found('BACKWARD', json({}), avro('int')), ['SCHEMA_TYPE_CHANGED 1']);
    assert.deepEqual(found('FULL', proto(''), json({})), ['SCHEMA_TYPE_CHANGED 1', 'SCHEMA_TYPE_CHANGED 1']);
  });

  it('messages say what differs, where, and which schema cannot read which', () => {
    const [backward, forward] = incompatibilities('FULL', order(price), [{ ...order(id), version: 7 }]);
    assert.deepEqual(backward, {
      path: '/fields/0',
      kind: missing,
      message:
        'the field `price` (long, at `Order.price`) has no default in the new schema and is missing in version 7; ' +
        'so the new schema cannot read all data written with version 7',
      version: 7,
    });
    assert.equal(
      forward?.message,
      'the field `id` (string, at `Order.id`) has no default in version 7 and is missing in the new schema; ' +
        'so version 7 cannot read all data written with the new schema',
    );
  });

  it('what is no schema is a fault', () => {
    const broken: readonly ParsedSchemaText[] = [
      { type: 'AVRO', schema: '{"type":', references: [] },
      avro('Unknown'),
      avro({ type: 'record', name: 'R' }),
      avro({ type: 'record', name: 'R', fields: [1] }),
      avro({ type: 'enum' }),
      json(7),
      json({ type: 'text' }),
      json({ properties: { a: 'string' } }),
      { type: 'JSON', schema: '', references: [] },
      proto('message {'),
    ];
    for (const schema of broken)
      assert.throws(
        () => readabilityProblems(schema, schema),
        (error) => isFault(error, 'SCHEMA_INVALID'),
        schema.schema,
      );
  });
});
