/** What is pushed to `lake`: every rule of a request, and what of it is in the lake, once. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type PipelineRun, startPipeline } from 'tributary/testing';
import { app } from '../../../apps/lake/lake.ts';

type Event = Readonly<Record<string, unknown>>;

let made = 0;

function event(more: Event = {}): Event {
  made += 1;
  return {
    event_id: `0190a1b2-c3d4-7e5f-8a9b-${String(made).padStart(12, '0')}`,
    user_id: 'user_1',
    event_type: 'click',
    source: 'web',
    timestamp: '2026-11-20T12:00:00Z',
    properties: {},
    ...more,
  };
}

const user = { user_id: 'user_7', age: 31, status: 'free', country: 'BR', created_at: '2023-11-16 11:03:11.992909' };

interface Refusal {
  readonly error: string;
  readonly errors: readonly { readonly index: number | null; readonly path: string; readonly message: string }[];
}

/** The events in the lake, with their objects' directories. */
async function lake(run: PipelineRun): Promise<readonly { readonly in: string; readonly event: Event }[]> {
  await run.landed({ withinMs: 60_000 });
  return (await run.objects()).flatMap(({ key, lines }) =>
    lines.map((line) => ({ in: key.slice(0, key.lastIndexOf('/')), event: line as Event })),
  );
}

const idsIn = (events: readonly Event[]): ReadonlySet<unknown> => new Set(events.map(({ event_id }) => event_id));

/** What is wrong with an event that has everything but this. */
const wrongs: readonly (readonly [path: string, wrong: Event | ((valid: Event) => Event)])[] = [
  ...Object.keys(event()).map((name) => [name, without(name)] as const),
  ...['age', 'status', 'country', 'created_at', 'user_id'].map(
    (name) => [`user_id.${name}`, { user_id: without(name)(user) }] as const,
  ),
  ['event_id', { event_id: '0190a1b2c3d47e5f8a9b0c1d2e3f4a5b' }],
  ['event_id', { event_id: 7 }],
  ['event_id', { event_id: null }],
  ['user_id', { user_id: 7 }],
  ['user_id', { user_id: '' }],
  ['user_id', { user_id: ['user_1'] }],
  ['user_id.age', { user_id: { ...user, age: '31' } }],
  ['user_id.age', { user_id: { ...user, age: 31.5 } }],
  ['user_id.user_id', { user_id: { ...user, user_id: null } }],
  ['user_id.country', { user_id: { ...user, country: 1 } }],
  ['event_type', { event_type: 'login' }],
  ['event_type', { event_type: 'Click' }],
  ['event_type', { event_type: null }],
  ['source', { source: 'desktop' }],
  ['source', { source: 1 }],
  ['timestamp', { timestamp: 'invalid-timestamp' }],
  ['timestamp', { timestamp: '2026-11-20T12:00:00' }],
  ['timestamp', { timestamp: '2026-02-30T12:00:00Z' }],
  ['timestamp', { timestamp: 1_767_225_600_000 }],
  ['properties', { properties: null }],
  ['properties', { properties: [] }],
  ['properties', { properties: '{}' }],
];

function without(name: string): (valid: Event) => Event {
  return (valid) => Object.fromEntries(Object.entries(valid).filter(([one]) => one !== name));
}

suite('lake, pushed', { timeout: 300_000 }, () => {
  test('D2: each property missing and wrong, one at a time, in the middle of a large body: 400 with its path, and all of it is one dead letter', async () => {
    await using run = await startPipeline(app.pipeline);
    const around = Array.from({ length: 400 }, () => event({ properties: { text: 'x'.repeat(100) } }));
    const sent: string[] = [];
    for (const [path, wrong] of wrongs) {
      const valid = event();
      const bad = typeof wrong === 'function' ? wrong(valid) : { ...valid, ...wrong };
      const body = JSON.stringify({ events: [...around.slice(0, 200), bad, ...around.slice(200)] });
      const { status, body: answer } = await run.send(body);
      const { error, errors } = answer as unknown as Refusal;
      assert.deepEqual([status, error, errors.length], [400, 'PACKAGE_INVALID', 1], path);
      assert.deepEqual([errors[0]?.index, errors[0]?.path], [200, path], JSON.stringify(wrong));
      sent.push(body);
    }
    assert.deepEqual(await lake(run), []);
    const letters = await run.deadLetters();
    assert.equal(letters.length, wrongs.length);
    for (const [index, letter] of letters.entries()) {
      assert.equal(letter.event, sent[index], 'as it came');
      assert.equal(letter.path, `events[200].${wrongs[index]?.[0]}`);
    }
    assert.equal((await run.send(around)).status, 200, 'without it, it is taken');
    assert.equal((await lake(run)).length, around.length);
  });

  test('D2: a body that is not of the form is 400 and kept; several bad events are all named; no events are 200', async () => {
    await using run = await startPipeline(app.pipeline);
    const bodies = ['{"events":[{}', 'nothing', '[]', '{"events":{}}', '{}', ''];
    for (const body of bodies) {
      const { status, body: answer } = await run.send(body);
      const { error, errors } = answer as unknown as Refusal;
      assert.deepEqual([status, error, errors.length, errors[0]?.index], [400, 'PACKAGE_INVALID', 1, null], body);
    }
    const { body } = await run.send([event(), event({ source: '' }), event(), event({ timestamp: '' })]);
    assert.deepEqual(
      (body as unknown as Refusal).errors.map(({ index, path }) => [index, path]),
      [
        [1, 'source'],
        [3, 'timestamp'],
      ],
    );
    const none = await run.send([]);
    assert.equal(none.status, 200);
    assert.deepEqual({ ...none.body, package_id: '' }, { status: 'success', package_id: '', accepted: 0 });
    assert.deepEqual(await lake(run), []);
    const letters = (await run.deadLetters()).map((letter) => letter.event);
    assert.deepEqual(letters.slice(0, bodies.length), bodies);
  });

  test('users are a string, an object or null; what they are is in the partition of type and day, digit by digit', async () => {
    await using run = await startPipeline(app.pipeline);
    const strings = event({ event_type: 'view', timestamp: '2026-11-20T23:30:00-01:00' });
    const objects = event({ user_id: { ...user, extra: 1 }, event_type: 'like' });
    const nobody = event({ user_id: null, event_id: '0190A1B2-C3D4-7E5F-8A9B-AAAAAAAAAAAA' });
    const amount = '{"amount":1e400,"product_id":"p","n":12345678901234567890.5}';
    const purchase = JSON.stringify(event({ event_type: 'purchase', properties: 0 })).replace(
      '"properties":0',
      `"properties":${amount}`,
    );
    const body = `{"sent":[1],"events":[${[strings, objects, nobody].map((one) => JSON.stringify(one)).join()},${purchase}]}`;
    assert.equal((await run.send(body)).status, 200);
    const written = event({ event_type: 'view', timestamp: '2026-11-20T23:30:00-01:00', properties: { a: [1, {}] } });
    assert.equal((await run.send(JSON.stringify({ events: [written] }, undefined, 2))).status, 200, 'on many lines');
    const landed = await lake(run);
    const directories = landed.map((one) => one.in);
    assert.deepEqual(directories, [
      'events/event_type=click/date=2026-11-20',
      'events/event_type=like/date=2026-11-20',
      'events/event_type=purchase/date=2026-11-20',
      'events/event_type=view/date=2026-11-21',
      'events/event_type=view/date=2026-11-21',
    ]);
    assert.ok((await run.objects())[2]?.text.includes(`"properties":${amount}`));
    assert.deepEqual(
      landed.map(({ event: { user_id, user: whole } }) => [user_id, whole]),
      [
        [null, undefined],
        ['user_7', user],
        ['user_1', undefined],
        ['user_1', undefined],
        ['user_1', undefined],
      ],
    );
    assert.equal(landed[0]?.event['event_id'], '0190a1b2-c3d4-7e5f-8a9b-aaaaaaaaaaaa');
  });

  test('D3, D5: no signup; what comes twice, side by side, in other requests, after a crash and a restart, is there once', async () => {
    await using run = await startPipeline(app.pipeline, { faults: [{ at: 'sink objects', write: 1, how: 'refuse' }] });
    const all = Array.from({ length: 120 }, (_, index) => event({ event_type: index % 7 === 3 ? 'signup' : 'share' }));
    const twice = all.flatMap((one, index) => (index % 5 === 0 ? [one, one] : [one]));
    assert.equal((await run.send(twice.slice(0, 60))).status, 200);
    assert.equal((await run.send(twice.slice(40, 90))).status, 200);
    await run.crash();
    await run.restart();
    assert.equal((await run.send(twice)).status, 200);
    await run.landed({ withinMs: 60_000 });
    await run.restart();
    assert.equal((await run.send(twice)).status, 200);
    const landed = (await lake(run)).map(({ event: one }) => one);
    const expected = all.filter(({ event_type }) => event_type !== 'signup');
    assert.deepEqual([landed.length, idsIn(landed)], [expected.length, idsIn(expected)]);
    assert.deepEqual(await run.deadLetters(), []);
  });
});
