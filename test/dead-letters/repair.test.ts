import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import {
  type LetterStatus,
  readRepair,
  type Repair,
  repairRecord,
  standingReplay,
  withRepair,
} from '../../src/dead-letters/repair.ts';

const id = fc.uuid();
const plain = { noNullPrototype: true };
const repair: fc.Arbitrary<Repair> = fc.oneof(
  fc.constant({ kind: 'edit' } as const),
  fc.record({ kind: fc.constant('replay' as const), as: id }, plain),
  fc.record({ kind: fc.constant('refusal' as const), path: fc.string(), message: fc.string() }, plain),
  fc.record({ kind: fc.constant('refusal' as const), path: fc.string(), message: fc.string(), replay: id }, plain),
);

const placed = (offset: number) => ({ offset, timeMs: 1000 + offset });

suite('repairs', () => {
  test('a record tells what was written, whatever the reason holds', () => {
    fc.assert(
      fc.property(id, repair, fc.uint8Array(), (letter, one, event) => {
        const { key, value, headers } = repairRecord(letter, one, event);
        const read = headers.map(([name, header]) => [name, Buffer.from(header as string)] as const);
        const record = { ...placed(0), key, value: Buffer.from(value), headers: read };
        assert.deepEqual(readRepair(record), one);
        assert.deepEqual([key, record.value], [letter, Buffer.from(event)]);
      }),
    );
  });

  test('records of others are none', () => {
    const record = { ...placed(0), key: 'a', value: Buffer.alloc(0), headers: [] };
    assert.equal(readRepair(record), undefined);
    assert.equal(readRepair({ ...record, headers: [['repair', Buffer.from('{')]] }), undefined);
    assert.equal(
      readRepair({ ...record, key: null, headers: [['repair', Buffer.from('{"kind":"edit"}')]] }),
      undefined,
    );
  });

  test('D9: what is applied again, from anywhere on, changes nothing', () => {
    fc.assert(
      fc.property(fc.array(repair, { minLength: 1, maxLength: 12 }), fc.nat(), (repairs, again) => {
        const from = again % repairs.length;
        const apply = (status: LetterStatus | undefined, start: number): LetterStatus | undefined =>
          repairs.slice(start).reduce((sum, one, i) => withRepair(sum, one, placed(start + i)), status);
        const once = apply(undefined, 0);
        assert.deepEqual(apply(once, from), once);
      }),
    );
  });

  test('a replay stands until the processor refuses it, and that one alone', () => {
    const replayed = withRepair(undefined, { kind: 'replay', as: 'one' }, placed(0));
    assert.equal(standingReplay(undefined), undefined);
    assert.deepEqual(standingReplay(replayed), { as: 'one', timeMs: 1000 });
    const other = withRepair(replayed, { kind: 'refusal', path: 'p', message: 'm' }, placed(1));
    assert.equal(standingReplay(other)?.as, 'one');
    const refused = withRepair(other, { kind: 'refusal', path: 'p', message: 'm', replay: 'one' }, placed(2));
    assert.equal(standingReplay(refused), undefined);
    const again = withRepair(refused, { kind: 'replay', as: 'two' }, placed(3));
    assert.equal(standingReplay(again)?.as, 'two');
  });
});
