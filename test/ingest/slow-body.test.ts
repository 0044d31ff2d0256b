import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { decodedBody } from '../../src/ingest/body.ts';

test('a body that comes in drops for too long: BODY_TIMEOUT; without that limit it comes whole', async (t) => {
  const read = (totalTimeoutMs: number): Promise<Buffer[]> => {
    const request = new PassThrough();
    let drops = 0;
    const drip = setInterval(() => (++drops < 40 ? request.write('.') : request.end()), 5);
    t.after(() => clearInterval(drip));
    const limits = { encoding: undefined, maxBytes: 1_000, idleTimeoutMs: 10_000, totalTimeoutMs };
    return Readable.from(decodedBody(request, limits)).toArray() as Promise<Buffer[]>;
  };
  await assert.rejects(read(50), (error) => {
    assert.ok(isFault(error, 'BODY_TIMEOUT'), String(error));
    assert.match(error.message, /not ended within 50 ms, after \d+ bytes/);
    return true;
  });
  assert.equal(Buffer.concat(await read(Infinity)).length, 39);
});
