import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reject, toUuid } from 'tributary';
import type { EventsRawValue } from '../../../apps/collect/events-raw-value.ts';
import { toObjectPrefix, toRow } from '../../../apps/collect/row.ts';
import { addMetadata } from '../../../apps/collect/transform.ts';
import { attachVerbatim, stringifyEvent } from '../../../src/event/verbatim.ts';

const metadata = {
  correlationId: '01990000-0000-8abc-9def-0123456789ab',
  publishTime: '2026-11-21T03:08:15.000Z',
  schemaId: 7,
};
const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
const objectId = '507f1f77bcf86cd799439011';
const dataText = '{ "id":"d", "amount":1e400, "serial":90071992547409931 }';

function event(changes: Partial<EventsRawValue['attributes']> = {}): EventsRawValue {
  return {
    data: attachVerbatim(JSON.parse(dataText) as EventsRawValue['data'], dataText),
    attributes: {
      timestampStamp: '2024-05-06T00:08:09.1234567+02:00',
      messageIdStamp: ulid.toLowerCase(),
      type: 'App\\Order\\Paid',
      targetSubscription: 'orders',
      newContextStamp: {
        accountId: objectId.toUpperCase(),
        userId: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
        requestPlatform: null,
      },
      amplitudeTrackStamp: null,
      ...changes,
    },
  };
}

test('the stored event has its metadata, no empty optional fields, and its data digit by digit', () => {
  const stored = stringifyEvent(addMetadata(event(), metadata));
  const attributes =
    '{"timestampStamp":"2024-05-06T00:08:09.1234567+02:00","messageIdStamp":"01arz3ndektsv4rrffq69g5fav","type":"App\\\\Order\\\\Paid",' +
    '"targetSubscription":"orders","newContextStamp":{"accountId":"507F1F77BCF86CD799439011","userId":"6F9619FF-8B86-D011-B42D-00C04FC964FF"}}';
  assert.equal(stored, `{"data":${dataText},"attributes":${attributes},"metadata":${JSON.stringify(metadata)}}`);
  const track = { id: 5, trackedDevice: null };
  assert.deepEqual(addMetadata(event({ amplitudeTrackStamp: track }), metadata).attributes.amplitudeTrackStamp, {
    id: 5,
  });
  const full = {
    amplitudeTrackStamp: { id: 5, trackedDevice: 'web' },
    newContextStamp: { accountId: 'a', userId: 'u', requestPlatform: 'ios' },
  };
  assert.deepEqual(addMetadata(event(full), metadata).attributes, { ...event().attributes, ...full });
});

test('a row has the columns of the contract', () => {
  assert.deepEqual(toRow(addMetadata(event(), metadata)), {
    timestamp_stamp: '2024-05-05T22:08:09.123456Z',
    message_id_stamp: toUuid(ulid),
    correlation_id: metadata.correlationId,
    type: 'App\\Order\\Paid',
    target_subscription: 'orders',
    new_context_account_id: '00000000-507f-1f77-bcf8-6cd799439011',
    new_context_user_id: '6f9619ff-8b86-d011-b42d-00c04fc964ff',
    data: dataText,
  });
});

test('the object lies under the UTC date of the time and the encoded type', () => {
  assert.equal(toObjectPrefix(addMetadata(event(), metadata)), 'events/date=2024-05-05/type=App%5COrder%5CPaid');
});

const context = event().attributes.newContextStamp;
const bad: readonly (readonly [path: string, changes: Partial<EventsRawValue['attributes']>])[] = [
  ['attributes.messageIdStamp', { messageIdStamp: 'm' }],
  ['attributes.messageIdStamp', { messageIdStamp: '' }],
  [
    'attributes.newContextStamp.accountId',
    { newContextStamp: { ...context, accountId: '8ZZZZZZZZZZZZZZZZZZZZZZZZZ' } },
  ],
  ['attributes.newContextStamp.userId', { newContextStamp: { ...context, userId: `${objectId}0` } }],
  ['attributes.timestampStamp', { timestampStamp: 'soon' }],
];

for (const [path, changes] of bad) {
  test(`what the table cannot hold is rejected at ${path}: ${JSON.stringify(changes).slice(0, 60)}`, () => {
    const enriched = addMetadata(event(changes), metadata);
    assert.throws(
      () => toRow(enriched),
      (error) => error instanceof Reject && error.path === path && error.message.startsWith('expected '),
    );
  });
}
