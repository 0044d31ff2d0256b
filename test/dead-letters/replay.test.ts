/** Edits and replays on a real log: what is written, what is refused, and that twice is once (D9). */
import assert from 'node:assert/strict';
import { type TestContext, suite, test } from 'node:test';
import { editLetter } from '../../src/dead-letters/edit.ts';
import { type ReplayOutcome, replayLetters } from '../../src/dead-letters/replay.ts';
import { isFault } from '../../src/errors.ts';
import { replayCorrelationId } from '../../src/event/correlation-id.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { StateStore } from '../../src/stores/state/state-store.ts';
import { changed } from '../support/changed.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { withoutAmount } from '../support/letters.ts';
import { openRepairs, type RepairParts, type RepairPartsOptions, repairsName } from '../support/repair-parts.ts';
import { scratch } from '../support/program.ts';

const events = 'events.raw';
const deadLetters = 'events.dead.letter';

async function open(t: TestContext, options: Partial<RepairPartsOptions> = {}): Promise<RepairParts> {
  const parts = await openRepairs({ dir: await scratch(t), ...options });
  t.after(() => parts.close());
  return parts;
}

/** @returns the letters' ids */
async function refuse(parts: RepairParts, ...bodies: readonly string[]): Promise<readonly string[]> {
  return (await parts.ingest.send([packageOf(bodies)])).errors.map(({ correlationId }) => correlationId);
}

function header(record: { headers: readonly (readonly [string, Buffer])[] }, name: string): string | undefined {
  return record.headers.find(([one]) => one === name)?.[1].toString();
}

const resultsOf = (outcomes: readonly { result: string }[]): readonly string[] => outcomes.map(({ result }) => result);

/** Keeps what it is given in memory alone, and knows nothing of before. */
function forgetful(state: StateStore): StateStore {
  const kept = new Map<string, Buffer>();
  return changed(state, {
    get: async (key) => kept.get(key),
    getAll: async (keys) => keys.map((key) => kept.get(key)),
    commit: async ({ put = [] }) => {
      for (const { key, value } of put) kept.set(key, Buffer.from(value));
      return true;
    },
  });
}

suite('replay', () => {
  test('D9: an edited letter becomes one event: bytes as edited, an id that follows from its own; again is nothing', async (t) => {
    const parts = await open(t);
    const received = collectEvent({ data: '{"id":"a","precise":1.50}' });
    const [id] = await refuse(parts, received);
    assert.deepEqual(resultsOf(await parts.patch('{"data":{"amount":1e400}}')), ['changed']);
    const [outcome] = await parts.replay();
    const as = replayCorrelationId(id!, 1);
    assert.deepEqual(outcome, { correlationId: id, pipeline: 'collect', result: 'accepted', as });
    for (let again = 0; again < 2; again++) {
      const [skipped] = await parts.replay();
      assert.deepEqual({ ...skipped, replayedAt: '' }, { ...outcome, result: 'already replayed', replayedAt: '' });
    }
    const records = await parts.records(events);
    assert.equal(records.length, 1);
    const [record] = records;
    assert.equal(header(record!, 'correlationId'), as);
    assert.equal(header(record!, 'replayOf'), id);
    assert.equal(header(record!, 'firstReceived'), received);
    assert.match(header(record!, 'received')!, /"data":\{"id":"a","precise":1\.50,"amount":1e400\}/);
    assert.equal((await parts.records(deadLetters)).length, 1);
    assert.equal(parts.counted(), 1);
  });

  test('D9: the event and the record of its replay are of one append', async (t) => {
    const parts = await open(t);
    await refuse(parts, withoutAmount('a'));
    await parts.patch('{"data":{"amount":1}}');
    const { log } = parts.ingest;
    const appended: number[] = [];
    const append = log.append.bind(log);
    t.mock.method(log, 'append', (batch: Parameters<typeof append>[0], more: Parameters<typeof append>[1]) => {
      appended.push(batch.count);
      return append(batch, more);
    });
    await parts.replay();
    assert.deepEqual(appended, [2]);
  });

  test('D9: two at once, and edits meanwhile: each letter once', async (t) => {
    const parts = await open(t);
    const ids = await refuse(parts, ...Array.from({ length: 600 }, (_, i) => withoutAmount(`order ${i}`)));
    await parts.patch('{"data":{"amount":1}}');
    const [one, other, edits] = await Promise.all([
      parts.replay(),
      parts.replay(),
      parts.patch('{"data":{"amount":2}}'),
    ]);
    const accepted = [...one, ...other].filter(({ result }) => result === 'accepted');
    assert.deepEqual(accepted.map(({ correlationId }) => correlationId).toSorted(), ids.toSorted());
    const records = await parts.records(events);
    assert.equal(records.length, 600);
    const edited = new Set(
      edits.filter(({ result }) => result === 'changed').map(({ correlationId }) => correlationId),
    );
    for (const record of records) {
      const amount = edited.has(header(record, 'replayOf')!) ? '"amount":2' : '"amount":1';
      assert.ok(header(record, 'received')!.includes(amount), 'an edit that was taken is in the event');
    }
  });

  test('D9: opened again on the same log, with or without the keyed state, a letter is known to be replayed', async (t) => {
    const dir = await scratch(t);
    const first = await openRepairs({ dir });
    const [id] = await refuse(first, withoutAmount('a'));
    await first.patch('{"data":{"amount":1}}');
    await first.replay();
    await first.close();
    for (const changeState of [undefined, forgetful]) {
      const again = await openRepairs({ dir, ...(changeState && { changeState }) });
      assert.deepEqual(resultsOf(await again.replay({ ids: [id!] })), ['already replayed']);
      assert.equal((await again.records(events)).length, 1);
      await again.close();
    }
  });

  test('what is refused again stays the one letter, with the newest reason; the same reason again is not written', async (t) => {
    const parts = await open(t);
    const [id] = await refuse(parts, withoutAmount('a'));
    assert.deepEqual(resultsOf(await parts.replay()), ['refused']);
    assert.equal((await parts.records(repairsName)).length, 0, 'no news');
    await parts.patch('{"data":{"amount":1,"id":7}}');
    const refused: ReplayOutcome = {
      correlationId: id!,
      pipeline: 'collect',
      result: 'refused',
      path: 'data.id',
      message: 'expected a string, got 7',
    };
    for (let times = 0; times < 2; times++) assert.deepEqual(await parts.replay(), [refused]);
    assert.equal((await parts.records(repairsName)).length, 2, 'the edit, and one refusal');
    assert.equal((await parts.records(deadLetters)).length, 1);
    assert.equal((await parts.records(events)).length, 0);
    const [letter] = await parts.list({ reason: 'DATA.ID: expected' });
    assert.deepEqual([letter?.path, letter?.message], ['data.id', 'expected a string, got 7']);
    assert.deepEqual(await parts.list({ reason: 'data.amount' }), []);
  });

  test('what the processor is known to refuse is refused before it is in the log', async (t) => {
    const parts = await open(t);
    await refuse(parts, withoutAmount('a'));
    await parts.patch(
      '{"data":{"amount":1},"attributes":{"X-Message-Stamp-Acme\\\\Messenger\\\\Stamp\\\\MessageIdStamp":"none"}}',
    );
    const [outcome] = await parts.replay();
    assert.deepEqual([outcome?.result, outcome?.path], ['refused', 'attributes.messageIdStamp']);
    assert.equal((await parts.records(events)).length, 0);
  });

  test('a dry run says what would become of each, and writes nothing', async (t) => {
    const parts = await open(t);
    const ids = await refuse(parts, withoutAmount('a'), '{}', 'null');
    assert.deepEqual(resultsOf(await parts.patch('{"data":{"amount":1}}', {}, true)), [
      'changed',
      'changed',
      'changed',
    ]);
    assert.equal((await parts.records(repairsName)).length, 0);
    await parts.patch('{"data":{"amount":1}}', { ids: [ids[0]!] });
    const outcomes = await parts.replay({}, true);
    assert.deepEqual(resultsOf(outcomes), ['accepted', 'refused', 'refused']);
    assert.equal((await parts.records(repairsName)).length, 1);
    assert.equal((await parts.records(events)).length, 0);
  });

  test('ids that there is no letter of are told; pipelines that do not run are left out', async (t) => {
    const parts = await open(t);
    const [id] = await refuse(parts, withoutAmount('a'));
    const unknown = '01932f5e-0c00-8a1b-9c3d-4e5f60000000';
    assert.deepEqual(resultsOf(await parts.replay({ ids: [unknown, id!] })), ['refused', 'not found']);
    assert.deepEqual(resultsOf(await parts.patch('{}', { ids: [unknown, id!] })), ['unchanged', 'not found']);
    const other = { ...parts.options, pipelines: [] as readonly Pipeline[] };
    const outcomes = (await Array.fromAsync(replayLetters(other, {}, { dryRun: false }))).flat();
    assert.deepEqual(resultsOf(outcomes), ['left out']);
    assert.equal((await parts.records(repairsName)).length, 0);
  });

  test('D6: it has its share of the budget of packages, and where there is none, nothing of the batch is written', async (t) => {
    const parts = await open(t, { maxInFlightBytes: 1000, waitForRoomMs: 250 });
    await refuse(parts, withoutAmount('a'));
    await parts.patch('{"data":{"amount":1}}');
    const holder = parts.ingest.budget.share();
    await holder.resize(1000, () => AbortSignal.timeout(1000));
    await assert.rejects(parts.replay(), (error) => isFault(error, 'BUSY'));
    assert.equal((await parts.records(events)).length, 0);
    holder.release();
    assert.deepEqual(resultsOf(await parts.replay()), ['accepted']);
  });
});

suite('edit', () => {
  test('of one letter: as it is given, on one line; not when others edited it meanwhile, nor once it is replayed', async (t) => {
    const parts = await open(t);
    const [id] = await refuse(parts, withoutAmount('a'));
    const event = collectEvent().replace(',', ',\n ');
    await editLetter(parts.options, id!, Buffer.from(event), 0);
    const [letter] = await parts.list();
    assert.equal(letter?.current.toString(), event.replace('\n', ' '));
    assert.equal(letter?.event.toString(), withoutAmount('a'), 'as received');
    const edit = (text: string, edits: number) => editLetter(parts.options, id!, Buffer.from(text), edits);
    await assert.rejects(edit('{}', 0), (error) => isFault(error, 'DEAD_LETTER_CHANGED'));
    await assert.rejects(edit('{', 1), (error) => isFault(error, 'REPAIR_INVALID'));
    await parts.replay();
    await assert.rejects(edit('{}', 1), (error) => isFault(error, 'DEAD_LETTER_REPLAYED'));
    assert.deepEqual(resultsOf(await parts.patch('{"x":1}')), ['already replayed']);
    const unknown = editLetter(parts.options, 'none', Buffer.from('{}'), 0);
    await assert.rejects(unknown, (error) => isFault(error, 'DEAD_LETTER_UNKNOWN'));
  });

  test('a patch goes on top of earlier edits, and fits each letter or says why not', async (t) => {
    const parts = await open(t);
    await refuse(parts, withoutAmount('a'), '[]');
    await parts.patch('[{"op":"add","path":"/data/amount","value":1.0}]');
    const outcomes = await parts.patch('[{"op":"replace","path":"/data/id","value":"b"}]');
    assert.deepEqual(resultsOf(outcomes), ['changed', 'failed']);
    assert.equal(outcomes[1]?.message, 'operation 0 (replace /data/id): there is no such place in the event');
    const [letter] = await parts.list({ text: '"id":"b","amount":1.0' });
    assert.equal(letter?.status?.edits.length, 2);
  });
});

suite('filters', () => {
  test('by pipeline, place, reason, time, text and replay; all that is given has to apply', async (t) => {
    const parts = await open(t);
    const before = Date.now();
    const ids = await refuse(parts, withoutAmount('first'), withoutAmount('second'), '7');
    await parts.patch('{"data":{"amount":1}}', { ids: [ids[0]!] });
    await parts.replay({ ids: [ids[0]!] });
    for (const [filter, indexes] of [
      [{}, [0, 1, 2]],
      [{ pipeline: 'collect' }, [0, 1, 2]],
      [{ pipeline: 'other' }, []],
      [{ at: 'processor' }, []],
      [{ reason: 'amount: EXPECTED' }, [0, 1]],
      [{ sinceMs: before }, [0, 1, 2]],
      [{ untilMs: before }, []],
      [{ text: 'second' }, [1]],
      [{ text: 'second', reason: 'object' }, []],
      [{ replayed: true }, [0]],
      [{ replayed: false }, [1, 2]],
      [{ ids: [ids[2]!, ids[1]!] }, [1, 2]],
    ] as const) {
      const found = (await parts.list(filter)).map(({ correlationId }) => correlationId);
      assert.deepEqual(
        found,
        indexes.map((index) => ids[index]),
        JSON.stringify(filter),
      );
    }
  });

  test('letters that the log has forgotten are found by their ids, from their objects', async (t) => {
    const parts = await open(t);
    const objects = await import('../../src/dead-letters/dead-letter-sink.ts');
    const [id] = await refuse(parts, withoutAmount('a'));
    const [letter] = await parts.list();
    const stored = new Map([[objects.deadLetterKey(letter!), objects.deadLetterBody(letter!)]]);
    const { Letters } = await import('../../src/dead-letters/letters.ts');
    const forgotten = new Letters({
      log: parts.ingest.log,
      statuses: parts.repairs,
      pipelines: [{ name: 'collect', deadLetterTopic: 'forgotten' }],
      objects: { get: async (key) => stored.get(key) },
    });
    assert.deepEqual(await Array.fromAsync(forgotten.find({})), []);
    assert.deepEqual(await Array.fromAsync(forgotten.find({ ids: [id!] })), [letter]);
  });
});
