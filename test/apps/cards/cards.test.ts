/** The warehouse of `cards`, from files as producers write them: in any order, repeated, bad ones among them, and across crashes. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type JsonObject, timestampOf } from 'tributary';
import { startPipeline } from 'tributary/testing';
import { app } from '../../../apps/cards/cards.ts';
import { generateCards } from '../../../apps/cards/generate.ts';
import type { MadeEvent } from '../../../apps/cards/made-events.ts';
import { checkEvent } from '../../../apps/cards/normalise.ts';
import { Random } from '../../../apps/random.ts';
import { expectedWarehouse, readWarehouse } from './expected-warehouse.ts';

const now = (): number => Date.UTC(2022, 3, 2);

const came = { time: timestampOf('2022-04-02T00:00:00.000Z')! };

function isValid(line: string): boolean {
  try {
    checkEvent(JSON.parse(line) as JsonObject, came);
    return true;
  } catch {
    return false;
  }
}

function fileOf(index: number): string {
  return `data/events/inbox/${index % 4 ? 'cards' : 'users'}/${index}.json`;
}

function shuffled<T>(values: readonly T[], random: Random): readonly T[] {
  return values
    .map((value) => ({ value, at: random.fraction() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ value }) => value);
}

suite('cards', { timeout: 120_000 }, () => {
  test('D2, D3, D5: files of any events, in any order, repeated, bad ones among them, across crashes: the tables are a fold over the set', async () => {
    const lines = [...generateCards({ count: 2_000, invalidShare: 0.05, seed: 11, now })];
    const random = new Random('order');
    const sent = shuffled([...lines, ...lines.filter(() => random.chance(0.2))], random);
    const valid = lines.filter(isValid);
    const expected = expectedWarehouse(valid.map((line) => JSON.parse(line) as MadeEvent));
    await using run = await startPipeline(app.pipeline, {
      faults: [
        { at: 'sink cards', write: 2, how: 'refuse' },
        { at: 'sink events', write: 1, how: 'refuse' },
      ],
    });
    let rejected = 0;
    for (let from = 0, turn = 0; from < sent.length; from += 173, turn++) {
      const texts = sent.slice(from, from + 173).entries();
      const named = Object.fromEntries(texts.map(([at, text]) => [fileOf(from + at), text]));
      const files = await run.putFiles(named, { withinMs: 60_000 });
      rejected += files.reduce((sum, file) => sum + file.rejected, 0);
      if (turn % 5 !== 3) continue;
      await run.crash();
      await run.restart();
    }
    await run.landed({ withinMs: 60_000 });
    assert.deepEqual(await readWarehouse(run.databaseUrl), expected);
    const cameIn = new Set(sent.map((line, index) => `${/"event_id":"([^"]*)"/.exec(line)?.[1]} ${fileOf(index)}`));
    for (const { event_id, file } of await run.rows('events'))
      assert.ok(cameIn.has(`${String(event_id)} ${String(file)}`), `${String(event_id)} came in ${String(file)}`);
    assert.equal((await run.deadLetters()).length, rejected);
    assert.equal(rejected, sent.filter((line) => !isValid(line)).length);
  });
});
