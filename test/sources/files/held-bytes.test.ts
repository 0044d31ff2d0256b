/** What a source of files holds, where there is no room (D6). */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Fault, isFault } from '../../../src/errors.ts';
import { Budget } from '../../../src/ingest/budget.ts';
import { Patience } from '../../../src/ingest/patience.ts';
import { bytePath } from '../../../src/sources/files/byte-path.ts';
import { HeldBytes } from '../../../src/sources/files/held-bytes.ts';
import { readFile } from '../../../src/sources/files/read-file.ts';

const mib = 1024 * 1024;

const isBusy = (error: unknown): boolean => isFault(error, 'BUSY');

async function noRoom(): Promise<never> {
  throw new Fault('BUSY', 'no room');
}

suite('what a source of files holds', () => {
  test('D6: what is given back while others wait for room ends nobody', async (t) => {
    const holding = setInterval(() => undefined, 1_000); // a patience holds no process
    t.after(() => clearInterval(holding));
    const budget = new Budget(8 * mib);
    await budget.share().resize(5 * mib, () => new AbortController().signal); // the oldest one may always grow
    const held = new HeldBytes(budget.share(), new Patience(20));
    const release = await held.reserve(mib);
    const more = held.reserve(3 * mib);
    release();
    await assert.rejects(more, isBusy);
    for (let turns = 0; turns < 5; turns++) await setImmediate();
    assert.equal(budget.heldBytes, 5 * mib);
  });

  test('D6: a file that there is no room for is no file that cannot be read', async () => {
    const read = await readFile(bytePath(import.meta.filename), { maxBytes: mib, reserve: noRoom });
    assert.deepEqual(read, { kind: 'no room' });
  });
});
