import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { json, type JsonObject, Reject } from 'tributary';
import { stampsToAttributes } from '../../../apps/collect/normalise.ts';
import { attachVerbatim } from '../../../src/event/verbatim.ts';
import { meaning, shapeOf } from './shapes.ts';

const core = 'X-Message-Stamp-Acme\\Core\\Messaging\\Messenger\\Stamp\\';
const shared = 'X-Message-Stamp-Acme\\Shared\\Infrastructure\\Messenger\\Stamp\\';
const time = '2024-05-06T07:08:09.123456+02:00';
const context = { accountId: 'a', userId: 'u' };

type Members = Record<string, unknown>;

function headersWith(changes: Members = {}): Members {
  const headers: Members = {
    type: 'App\\Order\\Paid',
    targetSubscription: 'orders',
    [`${shared}NewContextStamp`]: context,
    [`${core}TimestampStamp`]: time,
    [`${core}MessageIdStamp`]: 'm',
  };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  }
  return headers;
}

const received = (changes: Members = {}): JsonObject => ({
  data: { id: 'd', amount: 1.5 },
  attributes: headersWith(changes),
});
const attributesOf = (changes: Members) => stampsToAttributes(received(changes)).attributes;

function rejectOf(event: unknown): Reject {
  try {
    stampsToAttributes(event as JsonObject);
  } catch (error) {
    assert.ok(error instanceof Reject, `not a Reject: ${String(error)}`);
    return error;
  }
  return assert.fail('accepted');
}

test('an event as the contract shows it', () => {
  const track = { id: 7, trackedDevice: 'web' };
  assert.deepEqual(stampsToAttributes(received({ [`${shared}AmplitudeTrackStamp`]: track })), {
    data: { id: 'd', amount: 1.5 },
    attributes: {
      timestampStamp: time,
      messageIdStamp: 'm',
      type: 'App\\Order\\Paid',
      targetSubscription: 'orders',
      newContextStamp: context,
      amplitudeTrackStamp: track,
    },
  });
});

test('shapes that mean the same give the same event', () => {
  const pair = meaning.chain((event) => fc.tuple(fc.constant(event), shapeOf(event)));
  fc.assert(
    fc.property(pair, ([event, shape]) => {
      // as it comes out of JSON, so that `__proto__` is a member like any other
      const sent = JSON.parse(JSON.stringify(shape)) as JsonObject;
      const { data, attributes } = stampsToAttributes(sent);
      assert.deepEqual(attributes, JSON.parse(JSON.stringify(event.attributes)));
      assert.equal(data, sent['data']);
    }),
    { numRuns: 2000 },
  );
  assert.equal(({} as Members)['id'], undefined);
});

test('nothing but a Reject is thrown, whatever JSON comes in', () => {
  const stampName = fc.constantFrom('NewContextStamp', 'TimestampStamp', 'MessageIdStamp', 'AmplitudeTrackStamp');
  const name = fc.oneof(
    stampName.map((stamp) => core + stamp),
    fc.constantFrom('type', 'targetSubscription', '__proto__', 'constructor', 'X-Message-Stamp-'),
    fc.string(),
  );
  const stamp = fc.oneof(
    fc.jsonValue(),
    fc.json(),
    fc.dictionary(
      fc.constantFrom('id', 'dispatchedAt', 'accountId', 'userId', 'requestPlatform', 'trackedDevice', '__proto__'),
      fc.jsonValue(),
    ),
  );
  const headers = fc.oneof(fc.jsonValue(), fc.dictionary(name, stamp, { maxKeys: 12 }));
  const data = fc.oneof(
    fc.jsonValue(),
    fc.record({ id: fc.jsonValue(), amount: fc.jsonValue() }),
    fc.constant({ id: 'd', amount: 1 }),
  );
  const event = fc.record({ data, attributes: headers, headers }, { requiredKeys: [] });
  fc.assert(
    fc.property(event, (candidate) => {
      try {
        stampsToAttributes(JSON.parse(JSON.stringify(candidate)) as JsonObject);
      } catch (error) {
        assert.ok(error instanceof Reject, String(error));
        assert.match(error.path, /^(data|headers|attributes)(\.\w+)*$/);
      }
    }),
    { numRuns: 3000 },
  );
});

test('data passes as it is, with the text that it was sent as', () => {
  const text = '{"id":"d","amount":1e400,"serial":90071992547409931,"__proto__":{"id":5}}';
  const data = attachVerbatim(JSON.parse(text) as Members, text);
  const event = stampsToAttributes({ data, attributes: headersWith() });
  assert.equal(event.data, data);
  assert.equal(json(event.data), text);
});

test('a stamp is known by its whole last segment', () => {
  const kept = attributesOf({
    [`${core}TransportMessageIdStamp`]: 'other',
    [`${shared}ContextStamp`]: { accountId: 'other', userId: 'other' },
    [`${core}TimestampStamp\\Sub`]: 'other',
    'X-Message-Stamp-Other\\MyTimestampStamp': 'other',
    'x-message-stamp-Acme\\MessageIdStamp': 'other',
    MessageIdStamp: 'other',
    'Content-Type': 'application/json',
    timestampStamp: 'other',
  });
  assert.deepEqual(kept, attributesOf({}));
  const other = 'X-Message-Stamp-Any Other-Vendor\\MessageIdStamp';
  assert.equal(attributesOf({ [`${core}MessageIdStamp`]: undefined, [other]: 'x' }).messageIdStamp, 'x');
});

test('attributes win over headers, member by member', () => {
  const headers = headersWith({
    type: 'lost',
    [`${core}MessageIdStamp`]: 'lost',
    'X-Message-Stamp-Zed\\MessageIdStamp': 'lost',
  });
  const attributes = { type: 'won', [`${core}MessageIdStamp`]: 'won' };
  const event = stampsToAttributes({ data: { id: 'd', amount: 1 }, headers, attributes });
  assert.equal(event.attributes.type, 'won');
  assert.equal(event.attributes.messageIdStamp, 'won');
  assert.equal(event.attributes.targetSubscription, 'orders');
  const nulled = { data: { id: 'd', amount: 1 }, headers, attributes: { ...attributes, targetSubscription: null } };
  assert.equal(rejectOf(nulled).path, 'attributes.targetSubscription');
});

test('a time is kept as sent; integer milliseconds become RFC 3339 in UTC', () => {
  const stamp = `${core}TimestampStamp`;
  for (const [sent, kept] of [
    ['2024-05-06t07:08:09z', '2024-05-06t07:08:09z'],
    [{ dispatchedAt: time }, time],
    [`{"dispatchedAt":"${time}"}`, time],
    [`[{"dispatchedAt":"older"},{"dispatchedAt":"${time}"}]`, time],
    [1_715_000_000_000, '2024-05-06T12:53:20.000Z'],
    [{ dispatchedAt: 0 }, '1970-01-01T00:00:00.000Z'],
    ['[{"dispatchedAt":-1}]', '1969-12-31T23:59:59.999Z'],
    [-62_135_596_800_000, '0001-01-01T00:00:00.000Z'],
  ] as const)
    assert.equal(attributesOf({ [stamp]: sent }).timestampStamp, kept, JSON.stringify(sent));
  const none = [
    null,
    '',
    '1715000000000',
    1.5,
    1e300,
    -62_135_596_800_001,
    true,
    [time],
    [],
    {},
    { date: time },
    '{',
    '[]',
    '[{}]',
    '2016-12-31T23:59:60Z',
  ];
  for (const sent of none)
    assert.equal(rejectOf(received({ [stamp]: sent })).path, 'attributes.timestampStamp', JSON.stringify(sent));
});

test('an optional stamp that is null is none', () => {
  for (const none of [undefined, null, '[]', '[null]', '[{"id":1},null]'])
    assert.ok(!('amplitudeTrackStamp' in attributesOf({ [`${shared}AmplitudeTrackStamp`]: none })), String(none));
  const track = attributesOf({ [`${shared}AmplitudeTrackStamp`]: { id: 0, trackedDevice: null } }).amplitudeTrackStamp;
  assert.deepEqual(track, { id: 0 });
  const platform = attributesOf({ [`${shared}NewContextStamp`]: { ...context, requestPlatform: null, actor: 'x' } });
  assert.deepEqual(platform.newContextStamp, context);
});

const missing = /, but it is missing$/;
const faults: readonly (readonly [path: string, event: unknown, message?: RegExp])[] = [
  ['data', { attributes: headersWith() }, missing],
  ['data', { data: null, attributes: headersWith() }, /^expected an object, got null$/],
  ['data', { data: [1], attributes: headersWith() }, /got an array$/],
  ['data.id', { data: { amount: 1 }, attributes: headersWith() }, missing],
  ['data.id', { data: { id: 5, amount: 1 }, attributes: headersWith() }, /^expected a string, got 5$/],
  ['data.amount', { data: { id: 'd' }, attributes: headersWith() }, missing],
  ['data.amount', { data: { id: 'd', amount: '1.5' }, attributes: headersWith() }, /^expected a number, got "1.5"$/],
  ['attributes', { data: { id: 'd', amount: 1 } }, missing],
  ['attributes', { data: { id: 'd', amount: 1 }, attributes: null }, /got null$/],
  ['attributes', { data: { id: 'd', amount: 1 }, attributes: [] }, /got an array$/],
  ['headers', { data: { id: 'd', amount: 1 }, headers: 'x' }, /got "x"$/],
  ['attributes.type', received({ type: undefined }), missing],
  ['attributes.type', received({ type: '' }), /not empty, got ""$/],
  ['attributes.type', received({ type: { a: 1 } }), /got an object$/],
  ['attributes.type', received({ type: 'a\0' }), /without/],
  ['attributes.targetSubscription', received({ targetSubscription: undefined }), missing],
  ['attributes.targetSubscription', received({ targetSubscription: '\ud800' }), /without/],
  ['attributes.messageIdStamp', received({ [`${core}MessageIdStamp`]: undefined }), missing],
  ['attributes.messageIdStamp', received({ [`${core}MessageIdStamp`]: { uuid: 'x' } }), missing],
  ['attributes.messageIdStamp', received({ [`${core}MessageIdStamp`]: 5 }), /got 5$/],
  ['attributes.messageIdStamp', received({ [`${core}MessageIdStamp`]: ['m'] }), /got an array$/],
  ['attributes.timestampStamp', received({ [`${core}TimestampStamp`]: undefined }), missing],
  ['attributes.newContextStamp', received({ [`${shared}NewContextStamp`]: undefined }), missing],
  ['attributes.newContextStamp', received({ [`${shared}NewContextStamp`]: null }), /got null$/],
  ['attributes.newContextStamp', received({ [`${shared}NewContextStamp`]: 'x' }), /got "x"$/],
  ['attributes.newContextStamp', received({ [`${shared}NewContextStamp`]: '[{' }), /got "\[{"$/],
  ['attributes.newContextStamp.accountId', received({ [`${shared}NewContextStamp`]: '[{"userId":"u"}]' }), missing],
  // a context stamp of an API key
  [
    'attributes.newContextStamp.userId',
    received({ [`${shared}NewContextStamp`]: { accountId: 'a', actor: { id: 'k' } } }),
    missing,
  ],
  [
    'attributes.newContextStamp.userId',
    received({ [`${shared}NewContextStamp`]: '{"accountId":"a","userId":"\\u0000"}' }),
    /without/,
  ],
  [
    'attributes.newContextStamp.requestPlatform',
    received({ [`${shared}NewContextStamp`]: { ...context, requestPlatform: 5 } }),
  ],
  [
    'attributes.newContextStamp.userId',
    received({ [`${shared}NewContextStamp`]: JSON.parse('{"accountId":"a","__proto__":{"userId":"u"}}') }),
    missing,
  ],
  ['attributes.amplitudeTrackStamp', received({ [`${shared}AmplitudeTrackStamp`]: 'x' })],
  ['attributes.amplitudeTrackStamp.id', received({ [`${shared}AmplitudeTrackStamp`]: {} }), missing],
  ['attributes.amplitudeTrackStamp.id', received({ [`${shared}AmplitudeTrackStamp`]: { id: -1 } }), /unsigned integer/],
  ['attributes.amplitudeTrackStamp.id', received({ [`${shared}AmplitudeTrackStamp`]: { id: 1.5 } })],
  ['attributes.amplitudeTrackStamp.id', received({ [`${shared}AmplitudeTrackStamp`]: { id: 2 ** 53 } })],
  ['attributes.amplitudeTrackStamp.id', received({ [`${shared}AmplitudeTrackStamp`]: { id: '1' } })],
  [
    'attributes.amplitudeTrackStamp.trackedDevice',
    received({ [`${shared}AmplitudeTrackStamp`]: { id: 1, trackedDevice: 5 } }),
  ],
];

for (const [index, [path, event, message = /^expected /]] of faults.entries()) {
  test(`an invalid event is rejected at ${path} (${index + 1})`, () => {
    const reject = rejectOf(event);
    assert.equal(reject.path, path);
    assert.match(reject.message, message);
  });
}

test('a message stays short and well-formed however long what was sent', () => {
  const { message } = rejectOf(received({ [`${core}TimestampStamp`]: `${'x'.repeat(39)}\u{1F600}${'y'.repeat(1e6)}` }));
  assert.ok(message.length < 250 && message.isWellFormed(), message);
});

test('a stamp of a million brackets in a string is no danger', () => {
  const deep = '['.repeat(1e6) + ']'.repeat(1e6);
  assert.equal(rejectOf(received({ [`${shared}NewContextStamp`]: deep })).path, 'attributes.newContextStamp');
});
