/**
 * Makes a draft invalid, in one of many ways. What ingest refuses breaks the contract of an event; what the processor
 * refuses has identifiers that no UUID holds.
 */
import type { Draft } from './draft-event.ts';
import type { Random } from '../random.ts';

/** What becomes of some of a draft's parts. */
type Spoil = (draft: Draft) => Partial<Draft>;
type Spoils = readonly [Spoil, ...Spoil[]];

export function spoilEvent(draft: Draft, random: Random): Draft {
  const spoil = random.pick(random.chance(0.3) ? badIds : brokenContract);
  return { ...draft, ...spoil(draft) };
}

/** Refused at ingest. */
export const brokenContract: Spoils = [
  // a context of an API key
  ({ made }) => ({ newContext: JSON.stringify({ accountId: made.accountId, actor: { apiKey: made.userId } }) }),
  ({ made }) => context(42, made.userId),
  ({ made }) => context(null, made.userId),
  ({ made }) => context(made.accountId, made.userId, { requestPlatform: 1 }),
  () => ({ newContext: undefined }),
  () => ({ newContext: '"anonymous"' }),
  () => ({ time: undefined }),
  () => ({ time: 'null' }),
  () => ({ time: '"yesterday"' }),
  () => ({ time: '"2026-02-30T12:00:00Z"' }),
  () => ({ time: '"2026-03-01T12:00:00"' }),
  () => ({ time: '"2016-12-31T23:59:60Z"' }),
  () => ({ time: '"0001-01-01T00:30:00+01:00"' }),
  () => ({ time: '1767225600000.5' }),
  () => ({ time: '253402300800000' }),
  () => ({ messageId: undefined }),
  () => ({ messageId: '7' }),
  () => ({ type: undefined }),
  () => ({ type: '""' }),
  () => ({ type: '["App\\\\Order\\\\Paid"]' }),
  () => ({ targetSubscription: undefined }),
  () => ({ targetSubscription: 'null' }),
  () => ({ targetSubscription: String.raw`"orders\u0000"` }),
  () => ({ targetSubscription: String.raw`"orders\ud83d"` }),
  () => ({ amplitudeTrack: '{"id":-1}' }),
  () => ({ amplitudeTrack: '{"id":1.5}' }),
  () => ({ amplitudeTrack: '{"id":"1","trackedDevice":"web"}' }),
  () => ({ amplitudeTrack: '{"id":1,"trackedDevice":{}}' }),
  () => ({ data: undefined }),
  () => ({ data: 'null' }),
  () => ({ data: '[]' }),
  () => ({ data: '{"amount":12.5}' }),
  () => ({ data: '{"id":17,"amount":12.5}' }),
  () => ({ data: '{"id":"order-17"}' }),
  () => ({ data: '{"id":"order-17","amount":"12.50"}' }),
];

/** Refused by the processor. */
export const badIds: Spoils = [
  ({ made }) => ({ messageId: `"message ${made.id}"` }),
  ({ made }) => ({ messageId: `"{${made.id}"` }),
  ({ made }) => ({ messageId: `"${made.id}0"` }),
  ({ made }) => context(`account ${made.accountId}`, made.userId),
  ({ made }) => context('', made.userId),
  ({ made }) => context('1048', made.userId),
  // 32 hexadecimal digits, no hyphens
  ({ made }) => context('6f9619ff8b86d011b42d00c04fc964ff', made.userId),
  // a ULID over 128 bits, one with a letter that the alphabet lacks, and an object id that is a digit short
  ({ made }) => context(made.accountId, '80000000000000000000000000'),
  ({ made }) => context(made.accountId, '01ARZ3NDEKTSV4RRFFQ69G5FAU'),
  ({ made }) => context(made.accountId, '507f1f77bcf86cd79943901'),
];

function context(accountId: string | number | null, userId: string, more: object = {}): Partial<Draft> {
  return { newContext: JSON.stringify({ accountId, userId, ...more }) };
}
