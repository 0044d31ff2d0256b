import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toUuid } from '../../src/event/ids.ts';

const crockford = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const bits128 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
const bits96 = fc.bigInt({ min: 0n, max: 2n ** 96n - 1n });

function toUlid(bits: bigint): string {
  let ulid = '';
  for (let left = bits, count = 0; count < 26; count++, left >>= 5n) ulid = crockford[Number(left & 31n)] + ulid;
  return ulid;
}

const toHex = (bits: bigint, count: number): string => bits.toString(16).padStart(count, '0');
const bitsOf = (uuid: string | undefined): bigint => BigInt(`0x${uuid?.replaceAll('-', '')}`);
const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Each letter in the case that `mask` says. */
function mixCase(text: string, mask: bigint): string {
  return Array.from(text, (letter, at) =>
    (mask >> BigInt(at)) & 1n ? letter.toUpperCase() : letter.toLowerCase(),
  ).join('');
}

test('a ULID keeps its 128 bits, in any case', () => {
  fc.assert(
    fc.property(bits128, bits128, (bits, mask) => {
      const uuid = toUuid(mixCase(toUlid(bits), mask));
      assert.match(uuid ?? '', canonical);
      assert.equal(bitsOf(uuid), bits);
    }),
    { numRuns: 1000 },
  );
});

test('an object id keeps its 96 bits after 32 zero bits, in any case', () => {
  fc.assert(
    fc.property(bits96, bits96, (bits, mask) => {
      const uuid = toUuid(mixCase(toHex(bits, 24), mask));
      assert.match(uuid ?? '', canonical);
      assert.ok(uuid?.startsWith('00000000-'));
      assert.equal(bitsOf(uuid), bits);
    }),
  );
});

test('a UUID of any version and variant stays itself, in lower case', () => {
  fc.assert(
    fc.property(bits128, bits128, (bits, mask) => {
      const uuid = toHex(bits, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
      assert.equal(toUuid(mixCase(uuid, mask)), uuid);
    }),
  );
});

test('known pairs', () => {
  assert.equal(toUuid('01ARZ3NDEKTSV4RRFFQ69G5FAV'), '01563e3a-b5d3-d676-4c61-efb99302bd5b');
  assert.equal(toUuid('7ZZZZZZZZZZZZZZZZZZZZZZZZZ'), 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  assert.equal(toUuid('00000000000000000000000000'), '00000000-0000-0000-0000-000000000000');
  assert.equal(toUuid('507f1f77bcf86cd799439011'), '00000000-507f-1f77-bcf8-6cd799439011');
});

test('anything else is none', () => {
  const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const uuid = '01563e3a-b5d3-d676-4c61-efb99302bd5b';
  const none = [
    '',
    ' ',
    '1',
    'null',
    `${ulid} `,
    `${ulid}0`,
    ulid.slice(1),
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    'ZZZZZZZZZZZZZZZZZZZZZZZZZZ',
  ];
  none.push(
    `{${uuid}}`,
    `urn:uuid:${uuid}`,
    uuid.replaceAll('-', ''),
    uuid.replaceAll('-', '_'),
    `${uuid}\n`,
    uuid.slice(1),
  );
  none.push(
    '507f1f77bcf86cd79943901',
    '507f1f77bcf86cd7994390111',
    '507f1f77bcf86cd79943901g',
    '507f1f77bcf86cd79943901\u212a',
  );
  none.push(
    '01563e3ab-5d3-d676-4c61-efb99302bd5b',
    '01563e3a-b5d3-d676-4c61-efb99302bd5g',
    'ſ1563e3a-b5d3-d676-4c61-efb99302bd5b',
  );
  for (const letter of 'ILOUilou-_ \u0130\u212a\u0000é')
    for (const at of [0, 1, 2, 25]) none.push(ulid.slice(0, at) + letter + ulid.slice(at + 1));
  for (const text of none) assert.equal(toUuid(text), undefined, JSON.stringify(text));
});

test('no text of the right length becomes a malformed UUID', () => {
  const length = fc.constantFrom(24, 26, 36);
  const text = length.chain((count) => fc.string({ unit: 'binary', minLength: count, maxLength: count }));
  fc.assert(
    fc.property(text, (candidate) =>
      assert.match(toUuid(candidate) ?? '00000000-0000-0000-0000-000000000000', canonical),
    ),
  );
});
