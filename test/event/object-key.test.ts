import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { percentEncodeSegment } from '../../src/event/object-key.ts';

describe('percentEncodeSegment', () => {
  it('keeps A-Z a-z 0-9 - _ . and encodes the UTF-8 bytes of all else', () => {
    assert.equal(percentEncodeSegment('AZaz09-_.'), 'AZaz09-_.');
    assert.equal(percentEncodeSegment('App\\Order Placed/é~😀'), 'App%5COrder%20Placed%2F%C3%A9%7E%F0%9F%98%80');
    assert.equal(percentEncodeSegment("!'()*%\n"), '%21%27%28%29%2A%25%0A');
  });

  it('encodes the first dot of . and .. only', () => {
    assert.deepEqual(['.', '..', '...', '.a', 'a.'].map(percentEncodeSegment), ['%2E', '%2E.', '...', '.a', 'a.']);
  });

  it('cuts what is longer than 200 bytes at 180, and adds a digest of the whole value', () => {
    assert.equal(percentEncodeSegment('a'.repeat(200)), 'a'.repeat(200));
    const digest = createHash('sha256').update('a'.repeat(201)).digest('hex').slice(0, 16);
    assert.equal(percentEncodeSegment('a'.repeat(201)), `${'a'.repeat(180)}~${digest}`);
    assert.match(
      percentEncodeSegment(`a${'é'.repeat(40)}`),
      /%C3%A~[0-9a-f]{16}$|%C~[0-9a-f]{16}$|%~[0-9a-f]{16}$|%[0-9A-F]{2}~[0-9a-f]{16}$/,
    );
  });

  it('answers a safe segment for any string, which decodes to the value where it was not cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (value) => {
        const segment = percentEncodeSegment(value);
        assert.match(segment, /^[A-Za-z0-9\-_.%~]*$/);
        assert.ok(segment.length <= 200 && segment !== '.' && segment !== '..');
        if (!segment.includes('~')) assert.equal(decodeURIComponent(segment), value);
      }),
    );
  });

  it('keeps different values apart', () => {
    const long = fc.string({ minLength: 150, maxLength: 400 });
    fc.assert(
      fc.property(fc.oneof(long, fc.string()), fc.string(), (a, b) => {
        const other = a + b;
        assert.equal(percentEncodeSegment(a) === percentEncodeSegment(other), a === other);
      }),
    );
  });
});
