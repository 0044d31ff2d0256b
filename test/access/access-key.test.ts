import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isSameHash, makeKey, parseKey, sha256 } from '../../src/access/access-key.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

suite('an access key', () => {
  test("has 256 bits that are no other key's, and is found again by its id and its hash", () => {
    const keys = Array.from({ length: 1000 }, makeKey);
    assert.equal(new Set(keys.map(({ key }) => key.slice(17))).size, 1000);
    for (const { id, key, sha256: hash } of keys) {
      assert.equal(Buffer.from(key.slice(17), 'base64url').length, 32);
      const presented = parseKey(key);
      assert.deepEqual([presented?.id, presented?.sha256.toString('hex')], [id, hash]);
      assert.ok(!JSON.stringify({ id, hash }).includes(key.slice(17)));
    }
  });

  test('is told from every other text', () => {
    const { key } = makeKey();
    for (const text of [
      '',
      'trb_',
      key.slice(1),
      key.slice(0, -1),
      `${key}a`,
      ` ${key}`,
      `${key}\n`,
      key.toUpperCase(),
    ])
      assert.equal(parseKey(text), undefined, text);
    fc.assert(fc.property(fc.string(), (text) => parseKey(text) === undefined));
  });

  test('changed in any character, it has another id or another hash', () => {
    const { id, key, sha256: hash } = makeKey();
    const places = fc.nat({ max: key.length - 1 });
    fc.assert(
      fc.property(places, fc.constantFrom(...'abcdef0123456789_-XYZ'.split('')), (place, character) => {
        const changed = key.slice(0, place) + character + key.slice(place + 1);
        const presented = parseKey(changed);
        const isGood = presented?.id === id && isSameHash(presented.sha256, Buffer.from(hash, 'hex'));
        assert.equal(isGood, changed === key);
      }),
    );
  });

  test('hashes of different lengths are different, and comparing them does not throw', () => {
    assert.equal(isSameHash(sha256('a'), Buffer.alloc(3)), false);
    assert.equal(isSameHash(sha256('a'), sha256('a')), true);
  });

  test('never gets into a log line, wherever it stands', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', to: { write: (line) => lines.push(line) } });
    const { id, key } = makeKey();
    logger.info(
      { path: `/collect/${key}/x`, [key]: 1, nested: { list: [`a ${key}`] }, accessKey: 'other' },
      `with ${key}.`,
    );
    logger.error(new Error(key, { cause: new Error(`${key}${key}`) }));
    const secret = key.slice(17);
    for (const line of lines) assert.ok(!line.includes(secret), line);
    const [first = ''] = lines;
    assert.ok(first.includes(`with trb_${id}_***.`) && !first.includes('other'), first);
  });
});
