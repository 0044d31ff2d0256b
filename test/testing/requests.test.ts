/** A pipeline of requests in the test kit: from a request to its object, and by way of a dead letter. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, suite, test } from 'node:test';
import { type PipelineRun, type RunOptions, startPipeline } from 'tributary/testing';
import { isFault } from '../../src/errors.ts';
import { pipeline, schema, subject } from '../support/polls.ts';
import { scratch } from '../support/program.ts';

const now = (): number => Date.UTC(2026, 10, 21, 9, 30, 0, 125);

async function start(t: TestContext, options: Omit<RunOptions, 'schemasDir'> = {}): Promise<PipelineRun> {
  const schemasDir = await scratch(t);
  await writeFile(join(schemasDir, `${subject}.schema.json`), schema);
  return startPipeline(pipeline, { ...options, schemasDir });
}

async function lines(run: PipelineRun): Promise<readonly unknown[]> {
  return (await run.objects()).flatMap((object) => object.lines);
}

suite('requests in a test', { timeout: 120_000 }, () => {
  test('D2: a request is an event with the time it came, answered with its text, and lands', async (t) => {
    await using run = await start(t, { now });
    assert.deepEqual(await run.request('/vote', { voter: 'Zoë & co', choice: 'tea' }), {
      status: 200,
      text: 'counted: tea',
    });
    assert.deepEqual(await run.request('/polls/comment', { voter: 'a' }), { status: 200, text: 'thanks' });
    await run.landed();
    const time = '2026-11-21T09:30:00.125000Z';
    assert.deepEqual(await lines(run), [
      { voter: 'Zoë & co', choice: 'tea', kind: 'vote', time },
      { voter: 'a', choice: null, kind: 'comment', time },
    ]);
  });

  test('what is refused leaves nothing, not even a dead letter', async (t) => {
    await using run = await start(t);
    const asked = [
      { voter: 'a', choice: 'none' },
      { voter: 'a', choice: 'x'.repeat(41) },
      { voter: 'a' },
      { voter: 'a', choice: 'defect' },
      { voter: 'a', choice: 'mute' },
    ];
    const answers = [];
    for (const parameters of asked) answers.push(await run.request('/vote', parameters));
    const told = answers.map(({ status, text }) => [status, (JSON.parse(text) as { message: string }).message]);
    assert.deepEqual(told, [
      [400, 'choice: expected a choice'],
      [400, 'choice: must NOT have more than 40 characters, got string'],
      [400, 'the parameter choice is missing'],
      [500, 'an error of ours, in the log lines'],
      [500, 'an error of ours, in the log lines'],
    ]);
    await run.landed();
    assert.deepEqual([await lines(run), await run.deadLetters()], [[], []]);
  });

  test('D2: what the processor refuses is a dead letter that shows the event as JSON', async (t) => {
    await using run = await start(t, { now });
    assert.equal((await run.request('/vote', { voter: 'a', choice: 'late' })).status, 200);
    await run.landed();
    const [letter, ...more] = await run.deadLetters();
    assert.deepEqual(more, []);
    assert.deepEqual([letter?.at, letter?.path, letter?.message], ['processor', 'choice', 'expected one in time']);
    const event = { voter: 'a', choice: 'late', kind: 'vote', time: '2026-11-21T09:30:00.125000Z' };
    assert.deepEqual(JSON.parse(String(letter?.event)), event);
  });

  test('D5: a request sent again under its key gets the first text and is stored once; another endpoint is another request', async (t) => {
    await using run = await start(t);
    const idempotencyKey = 'k';
    const first = await run.request('/vote', { voter: 'a', choice: 'tea' }, { idempotencyKey });
    const again = await run.request('/vote', { voter: 'a', choice: 'coffee' }, { idempotencyKey });
    assert.deepEqual([first, again], [again, { status: 200, text: 'counted: tea' }]);
    assert.equal((await run.request('/polls/comment', { voter: 'a' }, { idempotencyKey })).text, 'thanks');
    await run.restart();
    assert.deepEqual(await run.request('/vote', { voter: 'a', choice: 'coffee' }, { idempotencyKey }), first);
    await run.landed();
    assert.equal((await lines(run)).length, 2);
  });

  test('packages and requests are told apart', async (t) => {
    await using run = await start(t);
    await assert.rejects(run.send([]), (error) => isFault(error, 'USAGE'));
    assert.equal((await run.request('/elsewhere')).status, 404);
  });
});
