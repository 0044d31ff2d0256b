/** Writes a draft as one of many producers would: all the shapes in which an event may come in, and all mean the same. */
import type { Draft } from './draft-event.ts';
import type { Random } from '../random.ts';

/** JSON text of the names of stamps' headers, up to the stamp's class. */
interface Vendor {
  readonly shared: string;
  readonly core: string;
}

const vendors: readonly [Vendor, ...Vendor[]] = [vendorOf('Acme'), vendorOf('Globex'), vendorOf('Io')];
const shortVendor: Vendor = { shared: headerStart('App\\Stamp'), core: headerStart('App\\Stamp') };

function vendorOf(name: string): Vendor {
  return {
    shared: headerStart(`${name}\\Shared\\Infrastructure\\Messenger\\Stamp`),
    core: headerStart(`${name}\\Core\\Messaging\\Messenger\\Stamp`),
  };
}

function headerStart(namespace: string): string {
  return JSON.stringify(`X-Message-Stamp-${namespace}\\`).slice(0, -1);
}

/** How a producer gives its stamps. */
type Encoding = 'bare' | 'object' | 'object in a string' | 'array in a string' | 'array of several in a string';

export function shapeEvent(draft: Draft, random: Random): string {
  const headers = headersOf(draft, random);
  const data = draft.data === undefined ? '' : `"data":${draft.data},`;
  const place = random.fraction();
  if (place < 0.8) return `{${data}"attributes":{${headers.join(',')}}}`;
  if (place < 0.92) return `{${data}"headers":{${headers.join(',')}}}`;
  const cut = random.below(headers.length);
  const last = headers.slice(cut);
  const first = headers.slice(0, cut);
  // what `attributes` says too counts there
  if (last.some((header) => header.startsWith('"type":'))) first.push('"type":"lost"');
  return `{${data}"headers":{${first.join(',')}},"attributes":{${last.join(',')}}}`;
}

function encodingOf(random: Random): Encoding {
  const choice = random.fraction();
  if (choice < 0.6) return 'bare';
  if (choice < 0.8) return 'object';
  if (choice < 0.86) return 'object in a string';
  return choice < 0.95 ? 'array in a string' : 'array of several in a string';
}

function headersOf(draft: Draft, random: Random): string[] {
  const vendor = random.chance(shortVendorShare) ? shortVendor : random.pick(vendors);
  const encoding = encodingOf(random);
  const { type, targetSubscription, newContext, time, messageId, amplitudeTrack } = draft;
  const { shared, core } = vendor;
  const headers: string[] = [];
  const add = (start: string, value: string | undefined): void => void (value && headers.push(start + value));
  add('"type":', type);
  add('"targetSubscription":', targetSubscription);
  add(`${shared}NewContextStamp":`, newContext && encode(newContext, encoding, olderContext));
  add(`${core}TimestampStamp":`, time && encodeMember('dispatchedAt', time, encoding));
  add(`${core}MessageIdStamp":`, messageId && encodeMember('id', messageId, encoding));
  add(`${shared}AmplitudeTrackStamp":`, amplitudeTrack && encode(amplitudeTrack, encoding, '{"id":0}'));
  if (random.chance(0.06)) headers.splice(random.below(headers.length + 1), 0, strangerOf(vendor, random));
  return headers;
}

/** Brings the average to 466 bytes. */
const shortVendorShare = 0.66;
const olderContext = '{"accountId":"older","userId":"older"}';

/** A stamp of one value, which a producer may give bare. */
function encodeMember(name: string, value: string, encoding: Encoding): string {
  return encoding === 'bare' ? value : encode(`{"${name}":${value}}`, encoding, `{"${name}":"older"}`);
}

function encode(stamp: string, encoding: Encoding, older: string): string {
  if (encoding === 'object in a string' && stamp.startsWith('{')) return JSON.stringify(stamp);
  if (encoding === 'array in a string') return JSON.stringify(`[${stamp}]`);
  if (encoding === 'array of several in a string') return JSON.stringify(`[${older}, ${stamp}]`);
  return stamp;
}

/** A header that is none of an event's, however much its name looks like one. */
function strangerOf(vendor: Vendor, random: Random): string {
  return random.pick([
    '"Content-Type":"application/json"',
    `${vendor.core}TransportMessageIdStamp":"{\\"id\\":7}"`,
    `${vendor.shared}ContextStamp":{"accountId":1}`,
    '"__proto__":"x"',
  ]);
}
