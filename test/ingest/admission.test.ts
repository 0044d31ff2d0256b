/** What every way into the log begins with (D6). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import { admit } from '../../src/ingest/admission.ts';
import { Idempotency } from '../../src/ingest/idempotency.ts';
import { Patience } from '../../src/ingest/patience.ts';
import { openLogIn } from '../support/ingest-parts.ts';
import { MapState } from '../support/map-state.ts';
import { scratch } from '../support/program.ts';

test('D6: waiting for room and for another package under its key, a package has the limit together', async (t) => {
  const log = await openLogIn(await scratch(t));
  const idempotency = await Idempotency.open({
    log,
    views: new MapState(),
    onError: (error) => assert.fail(String(error)),
  });
  t.after(() => idempotency.close().then(() => log.close()));
  const under = Promise.withResolvers<never>();
  const first = idempotency.once('k', new AbortController().signal, () => under.promise);
  const slow = { ...log, room: () => sleep(1_900) };
  const startedMs = performance.now();
  const late = admit({ log: slow, patience: new Patience(2_000), idempotency }, 'k', () => assert.fail('stored'));
  await assert.rejects(late, (error) => isFault(error, 'BUSY'));
  const tookMs = performance.now() - startedMs;
  under.reject(new Error('given up'));
  await assert.rejects(first, /given up/);
  assert.ok(tookMs < 3_600, `waits of ${tookMs} ms in all`);
});
