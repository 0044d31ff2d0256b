/** Dead letters replayed by the real program: by two commands at once, under kill -9, and refused again behind the log. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { replayCorrelationId } from '../../src/event/correlation-id.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp, eventLinesOf, objectsOf, rowsOf } from '../support/landed.ts';
import { listed, makeLetters, patch, replay, replayUntilKilled, setAmount } from '../support/letters.ts';
import { scratch, startFor } from '../support/program.ts';

/** Everything that has landed, in the table and in objects, must be these letters, each once. */
async function assertLandedOnce(dataDir: string, letters: readonly string[]): Promise<void> {
  const expected = letters.map((id) => replayCorrelationId(id, 1)).toSorted();
  const rows = await rowsOf<{ id: string }>(dataDir, 'SELECT correlation_id AS id FROM events ORDER BY 1');
  assert.deepEqual(
    rows.map(({ id }) => id),
    expected,
  );
  assert.deepEqual([...(await eventLinesOf(dataDir)).keys()].toSorted(), expected);
}

suite('replays of dead letters', { timeout: 280_000 }, () => {
  test('D9: a thousand letters, one patch, two replays at once: each is one event, and again is none', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const letters = await makeLetters(program.url, 1_000);

    const startedMs = performance.now();
    const edited = await patch(program.url, setAmount, '--reason', 'data.amount', '--yes');
    assert.deepEqual([edited.ran.code, edited.summary], [0, { changed: 1_000 }], edited.ran.stderr);
    const runs = await Promise.all([replay(program.url, '--all', '--yes'), replay(program.url, '--all', '--yes')]);
    t.diagnostic(`patched and replayed by two commands in ${(performance.now() - startedMs).toFixed(0)} ms`);
    for (const { ran, outcomes } of runs) assert.deepEqual([ran.code, outcomes.length], [0, 1_000], ran.stderr);
    const accepted = runs.flatMap(({ outcomes }) => outcomes.filter(({ result }) => result === 'accepted'));
    assert.deepEqual(accepted.map(({ correlationId }) => correlationId).toSorted(), letters.toSorted());

    const again = await replay(program.url, '--all', '--yes');
    assert.deepEqual([again.ran.code, again.summary], [0, { 'already replayed': 1_000 }]);
    await caughtUp(dataDir);
    await assertLandedOnce(dataDir, letters);
    const all = await listed(dataDir);
    assert.equal(all.length, 1_000);
    for (const { correlationId, state, replays } of all) {
      assert.equal(state, 'replayed');
      assert.deepEqual(
        replays.map((one) => one.correlationId),
        [replayCorrelationId(correlationId, 1)],
      );
    }
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
  });

  test('D9: killed with kill -9 again and again while it replays, each letter lands once', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    let program = await startFor(t, { dataDir });
    const letters = await makeLetters(program.url, 4_000);
    const edited = await patch(program.url, setAmount, '--all', '--yes');
    assert.deepEqual(edited.summary, { changed: 4_000 }, edited.ran.stderr);

    let kills = 0;
    const replayedBefore: number[] = [];
    while (await replayUntilKilled(program, 90_000 * kills, (kills * 37) % 120)) {
      kills += 1;
      program = await startFor(t, { dataDir });
      replayedBefore.push((await listed(dataDir, '--replayed')).length);
    }
    t.diagnostic(`killed ${kills} times, with so many letters replayed: ${replayedBefore.join(', ')}`);
    assert.ok(
      replayedBefore.some((count) => count > 0 && count < 4_000),
      'at least one kill came in the middle',
    );
    const last = await replay(program.url, '--all', '--yes');
    assert.deepEqual([last.ran.code, last.summary], [0, { 'already replayed': 4_000 }], last.ran.stderr);
    await caughtUp(dataDir);
    await assertLandedOnce(dataDir, letters);
  });

  test('D9: what PostgreSQL refuses of a replay stays the one letter, and lands when it is edited again', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const program = await startFor(t, { dataDir });
    const tooLarge = collectEvent({ data: '{"id":"a","x":1e200000}' }); // no amount, and no number that JSONB takes
    const { errors } = await taken(program.url, packageOf([tooLarge]));
    const id = errors[0]!.correlationId;
    assert.equal((await patch(program.url, setAmount, id, '--yes')).ran.code, 0);
    assert.deepEqual((await replay(program.url, id, '--yes')).summary, { accepted: 1 });
    await caughtUp(dataDir);

    const refused = await listed(dataDir);
    assert.equal(refused.length, 1, 'no second letter');
    const [letter] = refused;
    assert.deepEqual(
      { ...letter, at: letter?.at, event: letter?.event },
      { ...letter, correlationId: id, at: 'processor', state: 'edited', event: tooLarge },
    );
    assert.notEqual(letter?.error.path, 'data.amount', 'the newest reason');
    const objects = [...(await objectsOf(dataDir))].filter(([key]) => key.startsWith('dead-letter/'));
    assert.equal(objects.length, 1);
    assert.equal((JSON.parse(objects[0]![1]) as { event: string }).event, tooLarge, 'as it was received at first');

    assert.equal((await patch(program.url, '{"data":{"x":7}}', id, '--yes')).ran.code, 0);
    const second = await replay(program.url, id, '--yes');
    assert.equal(second.outcomes[0]?.as, replayCorrelationId(id, 2));
    await caughtUp(dataDir);
    const rows = await rowsOf(dataDir, 'SELECT correlation_id AS id, data FROM events');
    assert.deepEqual(rows, [{ id: replayCorrelationId(id, 2), data: { id: 'a', x: 7, amount: 1.5 } }]);
    const [done] = await listed(dataDir);
    assert.deepEqual(
      [done?.state, done?.edits.length, done?.replays.map(({ correlationId }) => correlationId)],
      ['replayed', 2, [replayCorrelationId(id, 1), replayCorrelationId(id, 2)]],
    );
  });
});
