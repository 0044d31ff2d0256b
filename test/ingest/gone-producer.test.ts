/** Producers that are gone before they are answered. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { decodedBody } from '../../src/ingest/body.ts';

const text = Buffer.from('{"events":[]}');

test('D1: a body that has come whole is whole, though its producer is gone before it is read to its end', async () => {
  for (const [announcedLength, isWhole] of [
    [String(text.length), true],
    [String(text.length + 1), false],
    [undefined, false],
  ] as const) {
    const request = new PassThrough();
    request.write(text);
    const body = decodedBody(request, { encoding: undefined, maxBytes: 1024, announcedLength })[Symbol.asyncIterator]();
    assert.deepEqual((await body.next()).value, text);
    const closed = new Promise((resolve) => void request.once('close', resolve));
    request.destroy(new Error('aborted'));
    await closed;
    if (isWhole) assert.equal((await body.next()).done, true);
    else await assert.rejects(body.next(), (error) => isFault(error, 'BODY_INCOMPLETE'));
  }
});
