/** From a body into the log: a package is there whole or not at all, and waits for room no longer than it should. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { Fault, type FaultCode, isFault } from '../../src/errors.ts';
import { splitJson } from '../../src/ingest/split-json.ts';
import { splitNdjson } from '../../src/ingest/split-ndjson.ts';
import { openOutsideRegistry } from '../../src/schemas/outside-registry.ts';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { type IngestParts, type IngestPartsOptions, loggedIn, openIngest } from '../support/ingest-parts.ts';
import { scratch } from '../support/program.ts';
import { answerJson, answerUnknown, type Script, startScriptedRegistry } from '../support/scripted-registry.ts';
import { heldWrites } from '../support/segment-logs.ts';

const good = collectEvent();
const invalid = '{"data":{}}';

async function opened(t: TestContext, options: Omit<IngestPartsOptions, 'dir'> = {}): Promise<IngestParts> {
  const parts = await openIngest({ dir: await scratch(t), ...options });
  t.after(() => parts.close());
  return parts;
}

async function assertNothingIn({ log, budget }: IngestParts): Promise<void> {
  assert.deepEqual(await loggedIn(log), { events: [], letters: [], keys: [] });
  assert.equal(budget.heldBytes, 0);
}

suite('ingest', () => {
  test('D1, D2: accepted and invalid events of a package are in the log when it is answered, in whatever chunks it came', async (t) => {
    const parts = await opened(t);
    const body = packageOf([good, invalid, good]);
    const answer = await parts.send(body.match(/[^]{1,7}/g)!, { key: 'k' });
    assert.deepEqual([answer.accepted, answer.rejected, answer.errors.map(({ index }) => index)], [2, 1, [1]]);
    const { events, letters, keys } = await loggedIn(parts.log);
    assert.deepEqual([events.length, letters.length, keys.length], [2, 1, 1]);
    assert.equal(letters[0]!.event.toString(), invalid);
    assert.equal(letters[0]!.correlationId, answer.errors[0]!.correlationId);
    assert.equal(parts.budget.heldBytes, 0);
  });

  test('D1: a package that is refused, at whatever event, leaves nothing: no event, no dead letter, no key', async (t) => {
    const small = { kind: 'http', path: '/collect', maxEvents: 3, maxPackageBytes: 1 << 20 } as const;
    const parts = await opened(t, { pipeline: { source: small } });
    const broken = new Fault('BODY_INCOMPLETE', 'it broke');
    const cases: readonly (readonly [code: string, chunks: readonly (string | Error)[]])[] = [
      ['BODY_INCOMPLETE', [`[${good},${invalid},`, broken]],
      ['BODY_INCOMPLETE', [`[${good},${invalid}`]],
      ['NOT_JSON', [`[${invalid},${good},{"a":nul}]`]],
      ['NOT_JSON', [`[${invalid},${good}]]`]],
      ['PACKAGE_TOO_LARGE', [packageOf([invalid, good, good, good])]],
    ];
    for (const [code, chunks] of cases) {
      await assert.rejects(
        parts.send(chunks, { key: 'k' }),
        (error) => isFault(error) && error.code === code,
        `${code}: ${String(chunks)}`,
      );
      await assertNothingIn(parts);
    }
    assert.equal((await parts.send([packageOf([good])], { key: 'k' })).accepted, 1, 'the key is still free');
  });

  test('D6: a chunk of many small events leaves turns to others', async (t) => {
    const { ingest } = await opened(t);
    let turns = 0;
    let turnsOfChunk = 0;
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    t.after(() => clearImmediate(next));
    const answer = await ingest.receive({
      body: async function* () {
        const before = turns;
        yield Buffer.from('x\n'.repeat(20_000));
        turnsOfChunk = turns - before;
      },
      splitter: splitNdjson(),
      onNotJson: 'reject-event',
      idempotencyKey: undefined,
    });
    assert.equal(answer.rejected, 20_000);
    assert.ok(turnsOfChunk >= 20, `${turnsOfChunk} turns`);
  });

  test("D5: an Idempotency-Key is its sender's own: others who use the same one are stored and answered for themselves", async (t) => {
    const parts = await opened(t);
    const senders = [undefined, 'shop', 'shop 2', '', 'k'];
    const answers = [];
    for (const sender of senders)
      answers.push(await parts.send([packageOf([good])], { key: 'k', ...(sender !== undefined && { sender }) }));
    assert.equal(new Set(answers.map(({ packageId }) => packageId)).size, senders.length);
    for (const [i, sender] of senders.entries())
      assert.deepEqual(
        await parts.send([packageOf([good])], { key: 'k', ...(sender !== undefined && { sender }) }),
        answers[i],
      );
    assert.equal((await loggedIn(parts.log)).events.length, senders.length);
  });

  test('D1, D2: with a registry elsewhere that is silent, or whose newest schema nothing can be checked by: 503, and nothing stored', async (t) => {
    const unusable = { subject: 's', version: 1, id: 1, schema: '{"type":"object","pattern":"("}', schemaType: 'JSON' };
    const scripts: readonly (readonly [code: FaultCode, script: Script])[] = [
      ['SCHEMA_MISSING', (_request, response) => answerJson(response, 200, unusable)],
      ['SCHEMA_MISSING', (_request, response) => answerUnknown(response)],
      ['SCHEMA_REGISTRY_UNAVAILABLE', () => undefined],
      ['SCHEMA_REGISTRY_UNAVAILABLE', (request) => request.socket.destroy()],
    ];
    for (const [code, script] of scripts) {
      const scripted = await startScriptedRegistry(script);
      t.after(() => scripted.close());
      const dir = await scratch(t);
      const registry = await openOutsideRegistry({ address: scripted.url, dir, isReadOnly: false, timeoutMs: 800 });
      t.after(() => registry.close());
      const parts = await opened(t, { registry });
      const sent = parts.send([packageOf([good])], { key: 'k' });
      await assert.rejects(sent, (error) => isFault(error, code) && error.status === 503);
      await assertNothingIn(parts);
    }
  });

  test('while the schema is gone from the registry packages wait with their producers, not as dead letters (D2)', async (t) => {
    const parts = await opened(t, { pipeline: { schema: { subject: 'deleted' } } });
    await assert.rejects(parts.send([packageOf([good])], { key: 'k' }), (error) => isFault(error, 'SCHEMA_MISSING'));
    await assertNothingIn(parts);
  });

  test('a line that is no JSON is a dead letter of its own (D2)', async (t) => {
    const parts = await opened(t);
    const answer = await parts.send([`${good}\nno JSON\n`, good], { ndjson: true });
    assert.deepEqual([answer.accepted, answer.errors.map(({ index }) => index)], [2, [1]]);
    assert.equal((await loggedIn(parts.log)).letters[0]!.event.toString(), 'no JSON');
  });

  for (const [what, thrown] of Object.entries({ 'a TypeError': new TypeError('of undefined'), undefined: undefined })) {
    test(`a normaliser that throws ${what} makes dead letters, is told, and costs other events nothing (D2)`, async (t) => {
      let calls = 0;
      const normalise = (): object => {
        calls += 1;
        if (calls === 2) throw thrown;
        return { attributes: { newContextStamp: { accountId: 'a' } } };
      };
      const parts = await opened(t, { pipeline: { normalise } });
      const { accepted, rejected, errors } = await parts.send([packageOf([good, good])]);
      assert.deepEqual(
        [accepted, rejected],
        [0, 2],
        'the first does not fit the schema, the second has met the defect',
      );
      assert.match(errors[1]!.message, /could not normalise/);
      assert.deepEqual(parts.defects, [thrown]);
      assert.equal((await loggedIn(parts.log)).letters[1]!.event.toString(), good);
    });
  }

  test('D6: while the log stalls a package waits, then gets BUSY and is not stored; then it works again', async (t) => {
    const { files, hold, release } = heldWrites();
    const parts = await opened(t, { files, waitForRoomMs: 300 });
    const body = packageOf([good]);
    hold();
    const underWay = parts.send([body]); // handed to the disk: what comes of it, only the disk can tell
    await new Promise((resolve) => setTimeout(resolve, 20));
    const startedMs = performance.now();
    const late = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => parts.send([body], { key: `${i}` })));
    const waitedMs = performance.now() - startedMs;
    assert.ok(late.every((each) => each.status === 'rejected' && isFault(each.reason, 'BUSY')));
    assert.ok(waitedMs >= 150, `gave up after ${waitedMs} ms`);
    release();
    assert.equal((await underWay).accepted, 1);
    const { events, keys } = await loggedIn(parts.log);
    assert.deepEqual([events.length, keys.length], [1, 0]);
    assert.equal(parts.budget.heldBytes, 0);
    assert.equal((await parts.send([body], { key: '0' })).accepted, 1);
  });

  test('D6: packages that are read share the budget, and get BUSY beyond it', async (t) => {
    const parts = await opened(t, { maxInFlightBytes: 1 << 20, waitForRoomMs: 200 });
    const large = collectEvent({ data: `{"id":"${'x'.repeat(300 * 1024)}","amount":1}` });
    const goOn = Promise.withResolvers<void>();
    const slow = Array.from({ length: 3 }, () => receiveSlowly(parts, `[${large},`, `${large}]`, goOn.promise));
    const outcomes = Promise.allSettled(slow);
    await assert.rejects(parts.send([packageOf([large, large])]), (error) => isFault(error, 'BUSY'));
    goOn.resolve();
    const [oldest] = await outcomes;
    assert.equal(oldest!.status, 'fulfilled', 'the oldest goes on');
    assert.equal(parts.budget.heldBytes, 0);
    const accepted = (await outcomes).filter(({ status }) => status === 'fulfilled').length;
    assert.equal((await loggedIn(parts.log)).events.length, 2 * accepted, 'whole packages');
  });
});

function receiveSlowly({ ingest }: IngestParts, start: string, end: string, between: Promise<void>) {
  return ingest.receive({
    body: async function* () {
      yield Buffer.from(start);
      await between;
      yield Buffer.from(end);
    },
    splitter: splitJson(),
    onNotJson: 'refuse-package',
    idempotencyKey: undefined,
  });
}
