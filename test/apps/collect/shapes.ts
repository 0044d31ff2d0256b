/** One meaning and the many shapes that it may be sent in, for property tests. */
import * as fc from 'fast-check';
import type { EventsRawValue } from '../../../apps/collect/events-raw-value.ts';

/** Text that the contract allows anywhere. */
export const storable = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !text.includes('\0'));

/** A bare string of this kind would be read as an encoding. */
const messageId = storable.filter((text) => !/^\s*[[{]/.test(text));
const timeMs = fc.integer({ min: Date.UTC(1970, 0), max: Date.UTC(2100, 0) });

export const meaning: fc.Arbitrary<EventsRawValue> = fc.record({
  data: fc.record({ id: storable, amount: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  attributes: fc.record(
    {
      timestampStamp: timeMs.map((epochMs) => new Date(epochMs).toISOString()),
      messageIdStamp: messageId,
      type: storable.filter((text) => text !== ''),
      targetSubscription: storable,
      newContextStamp: fc.record(
        { accountId: storable, userId: storable, requestPlatform: storable },
        { requiredKeys: ['accountId', 'userId'] },
      ),
      amplitudeTrackStamp: fc.record({ id: fc.maxSafeNat(), trackedDevice: storable }, { requiredKeys: ['id'] }),
    },
    { requiredKeys: ['timestampStamp', 'messageIdStamp', 'type', 'targetSubscription', 'newContextStamp'] },
  ),
});

type Members = Record<string, unknown>;
const vendorName = fc.stringMatching(/^[A-Za-z_-]{1,8}$/);

/** How one stamp may be given, other than bare. */
const encoding = fc.constantFrom<(stamp: unknown) => unknown>(
  (stamp) => stamp,
  (stamp) => JSON.stringify(stamp),
  (stamp) => ` ${JSON.stringify(stamp, null, 1)}`,
  (stamp) => JSON.stringify([stamp]),
  (stamp) => JSON.stringify([{ id: 'older', dispatchedAt: 'older' }, null, 5, stamp]),
);

const extra = fc.dictionary(
  fc.constantFrom('ratio', '__proto__', 'constructor', 'toString', 'hasOwnProperty'),
  fc.jsonValue(),
);
const stranger = fc.constantFrom(
  'Content-Type',
  'timestampStamp',
  'X-Message-Stamp-Acme\\Core\\TransportMessageIdStamp',
  'X-Message-Stamp-Acme\\Shared\\ContextStamp',
  'X-Message-Stamp-Acme\\TimestampStamp\\Other',
  'x-message-stamp-Acme\\NewContextStamp',
  'X-Message-Stamp-Acme\\NewContextStampX',
  'Message-Stamp-Acme\\AmplitudeTrackStamp',
  '__proto__',
  'constructor',
);

/** The same event as one of many producers may send it. */
export function shapeOf(event: EventsRawValue): fc.Arbitrary<Members> {
  return fc
    .record({
      vendor: vendorName,
      encode: fc.array(encoding, { minLength: 4, maxLength: 4 }),
      bare: fc.boolean(),
      timeAsMs: fc.boolean(),
      nulls: fc.boolean(),
      more: extra,
      strangers: fc.dictionary(stranger, fc.jsonValue()),
      place: fc.constantFrom('attributes', 'headers', 'both'),
      mask: fc.nat(255),
    })
    .map((shape) => {
      const headers = { ...headersOf(event, shape), ...without(shape.strangers, []) };
      const data = { ...without(shape.more, ['id', 'amount']), ...event.data };
      if (shape.place !== 'both') return { data, [shape.place]: headers };
      return { data, ...split(headers, shape.mask) };
    });
}

interface Shape {
  readonly vendor: string;
  readonly encode: readonly ((stamp: unknown) => unknown)[];
  readonly bare: boolean;
  readonly timeAsMs: boolean;
  readonly nulls: boolean;
}

function headersOf({ attributes }: EventsRawValue, shape: Shape): Members {
  const [first, second, third, fourth] = shape.encode as [Encode, Encode, Encode, Encode];
  const shared = `X-Message-Stamp-${shape.vendor}\\Shared\\Infrastructure\\Messenger\\Stamp`;
  const core = `X-Message-Stamp-${shape.vendor}\\Core\\Messaging\\Messenger\\Stamp`;
  const time = shape.timeAsMs ? Date.parse(attributes.timestampStamp) : attributes.timestampStamp;
  const none = shape.nulls ? null : undefined;
  const context = { requestPlatform: none, ...attributes.newContextStamp, locale: 'en' };
  const track = attributes.amplitudeTrackStamp && { trackedDevice: none, ...attributes.amplitudeTrackStamp };
  const { type, targetSubscription, messageIdStamp } = attributes;
  return withoutUndefined({
    type,
    targetSubscription,
    [`${shared}\\NewContextStamp`]: first(withoutUndefined(context)),
    [`${core}\\TimestampStamp`]: shape.bare ? time : second({ dispatchedAt: time }),
    [`${core}\\MessageIdStamp`]: shape.bare ? messageIdStamp : third({ id: messageIdStamp }),
    [`${shared}\\AmplitudeTrackStamp`]: track ? fourth(withoutUndefined(track)) : none,
  });
}

type Encode = (stamp: unknown) => unknown;

/** `attributes` wins: what both have is wrong in `headers`. */
function split(headers: Members, mask: number): { headers: Members; attributes: Members } {
  const parts = { headers: {} as Members, attributes: {} as Members };
  for (const [index, [name, value]] of Object.entries(headers).entries()) {
    const inAttributes = ((mask >> (index % 8)) & 1) === 1;
    define(inAttributes ? parts.attributes : parts.headers, name, value);
    if (inAttributes && index % 2 === 0) define(parts.headers, name, 'lost');
  }
  return parts;
}

function withoutUndefined(members: object): Members {
  return JSON.parse(JSON.stringify(members)) as Members;
}

/** An ordinary object in which `__proto__` is an own member, as `JSON.parse` makes it. */
function without(members: Members, names: readonly string[]): Members {
  const rest: Members = {};
  for (const [name, value] of Object.entries(members)) if (!names.includes(name)) define(rest, name, value);
  return rest;
}

function define(members: Members, name: string, value: unknown): void {
  Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
}
