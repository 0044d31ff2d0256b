/** One process writes a data directory; others read it, beside that one or alone. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { startGoodProducer } from '../support/good-producer.ts';
import { taken } from '../support/http-request.ts';
import { caughtUp } from '../support/landed.ts';
import { runProgram, scratch, startFor } from '../support/program.ts';

const good = collectEvent();

suite('two processes on one data directory', { timeout: 120_000 }, () => {
  test('a second start is refused in one line and costs the first nothing; readers work beside it and without it (D3)', async (t) => {
    const dataDir = join(await scratch(t), 'data');
    const at = ['--data-dir', dataDir] as const;
    const program = await startFor(t, { dataDir });
    const { accepted } = await taken(program.url, packageOf([good, good, '{}']));
    assert.equal(accepted, 2);
    await caughtUp(dataDir);

    const producer = startGoodProducer(program.url);
    t.after(() => producer.stop());
    await producer.answer();
    const second = await runProgram(['start', '--port', '0', ...at]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /^error: Another process writes the log in [^\n]+\. Stop the other process [^\n]+\n$/);
    assert.equal(second.stdout, '');
    const { answers, acknowledged } = await producer.stop();
    assert.deepEqual(Object.keys(answers), ['200']);
    await caughtUp(dataDir);

    const events = accepted + acknowledged.length;
    const count = ['sql', '--json', ...at, 'SELECT count(*) AS n FROM events'];
    const expected = async (): Promise<void> => {
      const [lag, sql, letters] = await Promise.all([
        runProgram(['lag', '--wait', '--timeout', '30', '--json', ...at]),
        runProgram(count),
        runProgram(['dead-letters', 'list', '--json', ...at]),
      ]);
      for (const ran of [lag, sql, letters]) assert.equal(ran.code, 0, ran.stderr);
      const ends = JSON.parse(lag.stdout) as readonly { consumer: string; end: number; lag: number }[];
      assert.equal(
        ends.filter(({ consumer }) => consumer === 'collect').reduce((sum, { end }) => sum + end, 0),
        events,
      );
      assert.deepEqual(JSON.parse(sql.stdout), [{ n: events }]);
      assert.equal(letters.stdout.trimEnd().split('\n').length, 1);
      assert.equal((JSON.parse(letters.stdout) as { event: string }).event, '{}');
    };
    await expected();
    // The second start has left nothing behind that would let a third one in.
    assert.equal((await runProgram(['start', '--port', '0', ...at])).code, 1);
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    await expected(); // where nothing runs
    const again = await startFor(t, { dataDir });
    await taken(again.url, packageOf([good]));
    await caughtUp(dataDir);
    assert.deepEqual(JSON.parse((await runProgram(count)).stdout), [{ n: events + 1 }]);
    assert.equal(await again.kill('SIGTERM'), 0, again.log());
  });
});
