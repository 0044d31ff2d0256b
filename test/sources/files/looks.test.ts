/** Looks: who asks learns that everything that stood in the directories has been taken, and what has not; nothing makes them wait for ever. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { LookAnswers } from '../../../src/sources/files/answer-looks.ts';
import { type Candidate, inboxAt, candidateAt } from '../../../src/sources/files/candidate.ts';
import { FileLooks } from '../../../src/sources/files/file-looks.ts';
import { Settling } from '../../../src/sources/files/settling.ts';
import { openFileParts } from '../../support/file-source-parts.ts';
import { MapState } from '../../support/map-state.ts';
import { scratch } from '../../support/program.ts';
import { until } from '../../support/until.ts';

const of = { logId: 'log', pipeline: 'notes' };
const inbox = inboxAt('a', '/', of);
const candidate = (name: string): Candidate => candidateAt(inbox, name);
const version = (id: string) => ({ id, size: 1, changedMs: 0 });

const nothingLeft = (look: number) => ({ look, notTaken: { count: 0, some: [] } });

/** A source's side, without a source. */
function answering(maxFiles = 10) {
  const looks = new FileLooks(new MapState(), of);
  const settling = new Settling({ maxFiles });
  const answers = new LookAnswers(looks, settling);
  const list = async (...found: readonly (readonly [name: string, version: string])[]): Promise<void> => {
    await answers.listingBegins();
    for (const [name, id] of found) settling.seen(candidate(name), version(id), 1_000);
    answers.listingEnds();
    await answers.tell();
  };
  const answered = async (): Promise<number> => (await looks.told())?.answer?.look ?? 0;
  return { looks, settling, answers, list, answered };
}

/** A source that has listed its directories once, and hears of nothing. */
async function unhearing(t: TestContext, settledAfterMs?: number) {
  const parts = await openFileParts(await scratch(t));
  t.after(() => parts.close());
  await mkdir(join(parts.dir, 'a/below')); // of which nothing is heard
  const source = await parts.start({
    subdirectories: true,
    listEveryMs: 3_600_000,
    ...(settledAfterMs && { settledAfterMs }),
  });
  t.after(() => source.drain());
  await until(async () => (await parts.looks.told())?.isListed === true);
  return { parts, source };
}

suite('looks into directories', { timeout: 120_000 }, () => {
  test('a listing that began before it was asked for is no answer', async () => {
    const { looks, answers, list, answered } = answering();
    await answers.listingBegins();
    const look = await looks.ask();
    answers.listingEnds();
    await answers.tell();
    assert.equal(await answered(), 0);
    assert.ok(await answers.isAsked());
    await list();
    assert.equal(await answered(), look);
    assert.ok(!(await answers.isAsked()));
  });

  test('it is answered when each file that was found has been taken, or is another version', async () => {
    const { looks, settling, answers, list, answered } = answering();
    const look = await looks.ask();
    settling.heardOf(candidate('heard'));
    await list(['one', '1'], ['two', '1']);
    settling.heardOf(candidate('later'));
    settling.done(candidate('one').id);
    settling.seen(candidate('two'), version('2'), 1_000);
    await answers.tell();
    assert.equal(await answered(), 0, 'one was heard of, and has not been seen yet');
    settling.seen(candidate('heard'), version('1'), 1_000);
    await answers.tell();
    assert.equal(await answered(), 0);
    settling.done(candidate('heard').id);
    await answers.tell();
    const two = { file: 'a/two', why: 'is still being written' };
    assert.deepEqual((await looks.told())?.answer, { look, notTaken: { count: 1, some: [two] } });
  });

  test('what had no room to wait is found by another listing before it is answered', async () => {
    const { looks, settling, list, answered } = answering(1);
    const look = await looks.ask();
    await list(['one', '1'], ['two', '1']);
    settling.done(candidate('one').id);
    await list(['two', '1']);
    assert.equal(await answered(), 0);
    settling.done(candidate('two').id);
    await list();
    assert.equal(await answered(), look);
  });

  test('many are passed over: all are counted, and a few named', async () => {
    const { looks, answers, list } = answering();
    await looks.ask();
    await answers.listingBegins();
    for (let i = 0; i < 1_500; i++) answers.passedOver(`a/${i}`, 'is no file');
    answers.listingEnds();
    await answers.tell();
    const { count, some } = (await looks.told())!.answer!.notTaken;
    assert.deepEqual([count, some.length], [1_500, 5]);
    await looks.ask();
    await list();
    assert.equal((await looks.told())!.answer!.notTaken.count, 0);
  });

  test('of two nodes the greater answer stays, and looks that are asked for at once are two', async () => {
    const state = new MapState();
    const [one, other] = [new FileLooks(state, of), new FileLooks(state, of)];
    assert.deepEqual((await Promise.all([one.ask(), other.ask()])).toSorted(), [1, 2]);
    const told = { isListed: true, waiting: 0, passedOver: { count: 0, some: [] } };
    await one.tell({ ...told, answer: nothingLeft(2) });
    await other.tell({ ...told, waiting: 7, answer: nothingLeft(1) });
    assert.deepEqual(await one.told(), { ...told, waiting: 7, answer: nothingLeft(2) });
  });

  test('D2: a source that is asked lists at once; what it found is durable when it answers', async (t) => {
    const { parts, source } = await unhearing(t);
    for (let id = 0; id < 50; id++)
      await writeFile(join(parts.dir, 'a/below', `${id}.json`), JSON.stringify({ id: `${id}`, text: 'a' }));
    const look = await source.askForLook();
    await until(async () => ((await parts.looks.told())?.answer?.look ?? 0) >= look);
    assert.equal((await parts.notes()).length, 50);
  });

  test('D2: another process asks by the state that they share; a file that is not whole is waited for until it counts as such', async (t) => {
    const { parts } = await unhearing(t, 500);
    await writeFile(join(parts.dir, 'a/below', 'half.json'), '{"id":');
    const look = await parts.looks.ask();
    await until(async () => ((await parts.looks.told())?.answer?.look ?? 0) >= look);
    assert.equal((await parts.letters()).length, 1);
    assert.equal((await parts.looks.told())?.answer?.notTaken.count, 0);
  });
});
