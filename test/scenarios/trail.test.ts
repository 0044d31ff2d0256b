/** Where an event is by now, as the real program tells it: beside the running server, over its API, and where nothing runs. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { replayCorrelationId } from '../../src/event/correlation-id.ts';
import { ViewKeys } from '../../src/ingest/key-entries.ts';
import { openSegmentLogReader } from '../../src/log/segments/segment-log-reader.ts';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';
import type { FoundEvents } from '../../src/trail/find-events.ts';
import type { PackageTrail } from '../../src/trail/package-trail.ts';
import type { EventTrail } from '../../src/trail/trail.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp } from '../support/landed.ts';
import { patch, replay, setAmount, withoutAmount } from '../support/letters.ts';
import { type Program, runProgram, startProgram } from '../support/program.ts';

const messageId = '0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4ABC';
const unknown = '01932f5e-0c00-8a1b-9c3d-4e5f60000000';

/** As another node that was first under its key would have it marked; nothing serves. */
async function markAsVoid(dir: string, packageId: string): Promise<void> {
  const { log: logDir, state: stateDir } = dataPaths(dir);
  const log = await openSegmentLogReader({ dir: logDir });
  const state = await openLmdbStore({ dir: stateDir, minFreeBytes: 0 });
  await state.commit({ put: [{ key: new ViewKeys(log.id).void(packageId), value: Buffer.alloc(0) }] });
  await state.close();
  await log.close();
}

suite('the trail of an event', { timeout: 280_000 }, () => {
  let dataDir: string;
  let program: Program;
  /** Of a package of four: two good ones, one refused at ingest and replayed, one refused by the processor. */
  let ids: readonly string[];

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'tributary-trail-'));
    program = await startProgram({ dataDir });
    const { packageId } = await taken(
      program.url,
      packageOf([
        collectEvent({ messageId }),
        collectEvent({ type: 'other' }),
        withoutAmount('c'),
        collectEvent({ messageId: 'none at all' }),
      ]),
    );
    ids = [0, 1, 2, 3].map((index) => `${packageId.slice(0, 35)}${index}`);
    await taken(program.url, packageOf([collectEvent(), collectEvent()]));
    assert.equal((await patch(program.url, setAmount, ids[2]!, '--yes')).ran.code, 0);
    assert.equal((await replay(program.url, ids[2]!, '--yes')).ran.code, 0);
    await caughtUp(dataDir);
  });
  after(async () => {
    await program.kill('SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  /** By the command and over HTTP, which must say the same. */
  async function find(id: string): Promise<FoundEvents> {
    const ran = await runProgram(['events', 'show', id, '--json', '--data-dir', dataDir]);
    assert.equal(ran.code, 0, ran.stderr);
    const { status, text } = await httpRequest(`${program.url}/admin/events/${encodeURIComponent(id)}`);
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(text), JSON.parse(ran.stdout));
    return JSON.parse(text) as FoundEvents;
  }

  async function assertLanded(event: EventTrail, id: string): Promise<void> {
    assert.deepEqual([event.correlationId, event.whereabouts, event.notes], [id, 'landed', []]);
    assert.deepEqual(
      event.rows.map(({ table, columns }) => [table, columns['correlation_id'], columns['target_subscription']]),
      [['events', id, 'billing']],
    );
    const [object] = event.objects;
    const lines = (await readFile(join(dataDir, 'objects', object!.key), 'utf8')).split('\n');
    assert.ok(lines[object!.line - 1]!.includes(id));
    assert.equal(event.record?.topic, 'events.raw');
  }

  test('an event that has landed: its record, its row, its object and the line', async () => {
    for (const id of ids.slice(0, 2)) {
      const { events } = await find(id.toUpperCase());
      assert.equal(events.length, 1);
      await assertLanded(events[0]!, id);
    }
  });

  test("by the producer's id, in any of its forms, from the row; what is no UUID, from the log", async () => {
    const { events } = await find(messageId);
    assert.deepEqual(
      events.map(({ correlationId }) => correlationId),
      [ids[0]],
    );
    const searched = await find('none at all');
    assert.deepEqual(
      searched.events.map(({ correlationId, whereabouts }) => [correlationId, whereabouts]),
      [[ids[3], 'dead letter']],
    );
    assert.match(searched.notes.join(), /newest 100000 records of each partition/);
  });

  test('D9: a dead letter leads to the event that it was replayed as, and back', async () => {
    const as = replayCorrelationId(ids[2]!, 1);
    const { events } = await find(ids[2]!);
    const [letter, event] = events;
    assert.deepEqual(
      [letter?.whereabouts, letter?.deadLetter?.state, letter?.record],
      ['dead letter', 'replayed', undefined],
    );
    assert.equal(event?.replayOf, ids[2]);
    await assertLanded(event!, as);
    assert.deepEqual((await find(as)).events, [event]);
  });

  test('what the processor refused is a dead letter that has a record', async () => {
    const [event] = (await find(ids[3]!)).events;
    assert.deepEqual([event?.whereabouts, event?.deadLetter?.error.path], ['dead letter', 'attributes.messageIdStamp']);
    assert.equal(typeof event?.record?.offset, 'number');
  });

  test('a package: its events, and what has landed of them where', async () => {
    const ran = await runProgram(['packages', 'show', ids[1]!, '--json', '--data-dir', dataDir]);
    assert.equal(ran.code, 0, ran.stderr);
    const found = JSON.parse(ran.stdout) as PackageTrail;
    const { packageId, events, accepted, refused, refusedByProcessor, notLandedYet, rows, replayed } = found;
    assert.deepEqual(
      { packageId, events, accepted, refused, refusedByProcessor, notLandedYet, rows, replayed },
      {
        packageId: ids[0],
        events: 4,
        accepted: 3,
        refused: 1,
        refusedByProcessor: 1,
        notLandedYet: 0,
        replayed: 1,
        rows: [{ table: 'events', rows: 2 }],
      },
    );
    assert.deepEqual(
      found.objects.map(({ lines }) => lines),
      [1, 1],
    );
    assert.deepEqual(
      found.deadLetters.map(({ index, state }) => [index, state]),
      [
        [2, 'replayed'],
        [3, 'open'],
      ],
    );
    const replays = await httpRequest(`${program.url}/admin/packages/${replayCorrelationId(ids[2]!, 1)}`);
    const { accepted: again, notes } = JSON.parse(replays.text) as PackageTrail;
    assert.deepEqual([again, notes], [1, [`these are replays of dead letters of the package ${ids[0]}`]]);
  });

  test('what is not known, and what is no id: one line, and which places were searched', async () => {
    for (const [args, code, message] of [
      [['events', 'show', unknown], 1, /^error: nothing is known of 01932f5e-\S+; searched the newest [^\n]+\n$/],
      [['packages', 'show', unknown], 1, /^error: nothing is known of the package 01932f5e-[^\n]+\n$/],
      [['events', 'show', ''], 1, /^error: the id is empty, [^\n]+\n$/],
      [['packages', 'show', 'x'], 2, /^error: "x" is no id of a package\. [^\n]+\n$/],
    ] as const) {
      const ran = await runProgram([...args, '--data-dir', dataDir]);
      assert.deepEqual([ran.code, ran.stdout], [code, ''], ran.stderr);
      assert.match(ran.stderr, message);
    }
    const nowhere = await runProgram(['events', 'show', unknown, '--data-dir', join(dataDir, 'none')]);
    assert.equal(nowhere.code, 1);
    assert.match(nowhere.stderr, /^error: There is no log in [^\n]+\n$/);
    for (const id of [unknown, '']) assert.equal((await httpRequest(`${program.url}/admin/events/${id}`)).status, 404);
  });

  test('before it has landed it says how far it is; and all of it is told where nothing runs', async () => {
    const stopped = await startProgram({
      dataDir: `${dataDir}-2`,
      env: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' },
    });
    try {
      const { packageId } = await taken(stopped.url, packageOf([collectEvent(), collectEvent()]));
      const { text } = await httpRequest(`${stopped.url}/admin/events/${packageId.slice(0, 35)}1`);
      const [event] = (JSON.parse(text) as FoundEvents).events;
      assert.deepEqual([event?.whereabouts, event?.lag], ['not landed yet', 2]);
      await stopped.kill('SIGKILL');
      await markAsVoid(stopped.dataDir, packageId);
      for (const command of ['events', 'packages']) {
        const ran = await runProgram([command, 'show', packageId, '--json', '--data-dir', stopped.dataDir]);
        assert.match(ran.stdout, /its package counts for nothing: another one was first under its Idempotency-Key/);
        if (command === 'events') assert.match(ran.stdout, /"whereabouts":"void"/);
      }
    } finally {
      await stopped.kill('SIGKILL');
      await rm(`${dataDir}-2`, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
    assert.equal(await program.kill('SIGTERM'), 0, program.log());
    const shown = await runProgram(['events', 'show', ids[0]!, '--data-dir', dataDir]);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^is: +landed\nrecord: [^\n]+\nrow: [^\n]+\nobject: +events\/date=[^\n]+, line 1\n$/m);
    const text = await runProgram(['packages', 'show', ids[0]!, '--data-dir', dataDir]);
    assert.match(text.stdout, /^ {4}rows in events +2$/m);
  });
});
