/** A dead letter's object: the same one however often the letter is written. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDeadLetterSink, readDeadLetterObject } from '../../src/dead-letters/dead-letter-sink.ts';
import type { DeadLetter } from '../../src/dead-letters/dead-letter.ts';
import { correlationId, correlationIdParts, createPackageIds } from '../../src/event/correlation-id.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';

const pipeline = 'collect';
const nextPackage = createPackageIds({ now: Date.now });

function letter(id: string, message: string): DeadLetter {
  const { packageId, index, timeMs } = correlationIdParts(id);
  const about = { correlationId: id, packageId, index, receivedAt: new Date(timeMs).toISOString(), pipeline };
  const unknown = { origin: undefined, replay: undefined, traceparent: undefined, file: undefined };
  return { ...about, at: 'processor', path: '', message, event: Buffer.from('{}'), ...unknown };
}

test('D3: of a letter that a batch holds twice the object has the newest reason, in each try', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-letters-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const store = await openDirectoryStore({ dir });
  const partition = await createDeadLetterSink(store).open({ topic: 'letters', partition: 0 });
  const batch = partition.batch();
  const ids = Array.from({ length: 50 }, () => correlationId(nextPackage(), 0));
  for (const [index, id] of ids.entries()) {
    batch.add(2 * index, letter(id, 'first'));
    batch.add(2 * index + 1, letter(id, 'newest'));
  }
  const staged = await batch.stage({ from: 0, to: 2 * ids.length, without: new Set() }, undefined);
  await staged.commit();
  for (const id of ids) assert.equal((await readDeadLetterObject(store, pipeline, id))?.message, 'newest');
});
