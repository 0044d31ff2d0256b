/**
 * Any set of events, in files in any order, with repetitions, ties, bad ones and crashes in the middle, leaves the tables that a plain fold over the set
 * gives. One warehouse for all sets: what is in it already is a part of each.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { type PipelineRun, startPipeline } from 'tributary/testing';
import { app } from '../../../apps/cards/cards.ts';
import type { MadeEvent } from '../../../apps/cards/made-events.ts';
import { expectedWarehouse, readWarehouse } from './expected-warehouse.ts';

/** Few of each, so that much of it is late, tied, or there before. */
const second = fc.integer({ min: 0, max: 3 }).map((at) => `2022-04-01 12:00:0${at}`);
const id = fc.integer({ min: 0, max: 4 });

const user = fc.record({
  id,
  name: fc.constantFrom('Ada', '李', ''),
  score: fc.constantFrom(0, 0.42, -1e-7),
  at: second,
});
const card = fc.record({ id, user_id: fc.option(id, { nil: undefined }), active: fc.boolean(), at: second });

function userEvent({ id: of, name, score, at }: typeof user extends fc.Arbitrary<infer T> ? T : never): MadeEvent {
  const payload = { id: of, name, address: '1 Mill Lane', job: 'baker', score };
  return { metadata: { type: 'user', event_at: at, event_id: idOf([payload, at]) }, payload };
}

function cardEvent({ id: of, user_id, active, at }: typeof card extends fc.Arbitrary<infer T> ? T : never): MadeEvent {
  const payload = {
    id: of,
    user_id,
    created_by_name: 'Ada',
    updated_at: at,
    created_at: '2022-04-01 00:00:00',
    active,
  };
  return { metadata: { type: 'card', event_at: at, event_id: idOf([payload, at]) }, payload };
}

/** Of what it tells: the same event has the same id. */
function idOf(told: unknown): string {
  const digits = createHash('sha256').update(JSON.stringify(told)).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}

const good = fc.oneof(user.map(userEvent), card.map(cardEvent));
const bad = fc.tuple(good, fc.constantFrom('no id', 'no time', 'cut')).map(([event, what]): string => {
  const text = JSON.stringify(event);
  if (what === 'cut') return text.slice(0, -2);
  const { metadata, payload } = event;
  const spoiled = what === 'no id' ? { metadata, payload: { ...payload, id: null } } : { metadata: {}, payload };
  return JSON.stringify(spoiled);
});

/** A file, and whether the process dies while that and those before it are taken. */
const file = fc.record({
  content: fc.oneof(
    { weight: 6, arbitrary: good.map((event) => ({ event, text: JSON.stringify(event, undefined, 2) })) },
    { weight: 1, arbitrary: bad.map((text) => ({ event: undefined, text })) },
  ),
  directory: fc.constantFrom('users', 'cards'),
  isCrash: fc.oneof({ weight: 24, arbitrary: fc.constant(false) }, fc.constant(true)),
});

interface All {
  readonly events: MadeEvent[];
  readonly bad: Set<string>;
  files: number;
}

suite('cards, any files', { timeout: 200_000 }, () => {
  test('D2, D3, D5: any events in any order, repeated, tied, bad, across crashes: the tables are a plain fold over the set', async () => {
    await using run = await startPipeline(app.pipeline);
    const all: All = { events: [], bad: new Set(), files: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 30 }), async (files) => {
        const put = files.map(({ content, directory, isCrash }) => {
          if (content.event) all.events.push(content.event);
          else all.bad.add(content.text);
          return { path: `data/events/inbox/${directory}/${all.files++}.json`, text: content.text, isCrash };
        });
        await putAll(run, put);
        await run.landed({ withinMs: 60_000 });
        assert.deepEqual(await readWarehouse(run.databaseUrl), expectedWarehouse(all.events));
        const letters = (await run.deadLetters()).map(({ event }) => event);
        assert.deepEqual(new Set(letters), all.bad);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });
});

/** What a crash may have kept from being taken comes again. */
async function putAll(
  run: PipelineRun,
  files: readonly { readonly path: string; readonly text: string; readonly isCrash: boolean }[],
): Promise<void> {
  let from = 0;
  for (const [index, { isCrash }] of files.entries()) {
    if (!isCrash && index < files.length - 1) continue;
    const some = Object.fromEntries(files.slice(from, index + 1).map(({ path, text }) => [path, text]));
    const putting = run.putFiles(some).catch((error: unknown) => {
      if (!isCrash) throw error;
    });
    if (isCrash) {
      await run.crash();
      await putting;
      await run.restart();
      const again = Object.entries(some).map(([path, text]) => [path.replace('.json', '-again.json'), text]);
      await run.putFiles(Object.fromEntries(again) as Record<string, string>);
    }
    await putting;
    from = index + 1;
  }
}
