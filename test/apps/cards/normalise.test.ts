/** Which events `cards` takes, and what it says of those that it does not. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type JsonObject, Reject, timestampOf } from 'tributary';
import type { CardsRawValue } from '../../../apps/cards/cards-raw-value.ts';
import { CardMaker, makeUser } from '../../../apps/cards/made-events.ts';
import { generateCards } from '../../../apps/cards/generate.ts';
import { checkEvent } from '../../../apps/cards/normalise.ts';
import { badCards, badMetadata, badUsers } from '../../../apps/cards/spoil-event.ts';
import { Random } from '../../../apps/random.ts';

const now = (): number => Date.UTC(2022, 3, 2);
const user = makeUser(3, 1_648_814_400, new Random('user'));
const card = new CardMaker(new Random('card'), 7).next(1_648_814_400);

const came = { file: 'inbox/cards/a.json', time: timestampOf('2022-04-02T00:00:00.000Z')! };

/** As it is read from a file. */
const received = (event: unknown): JsonObject => JSON.parse(JSON.stringify(event)) as JsonObject;

const checked = (event: unknown): CardsRawValue => checkEvent(received(event), came);

function whyNot(event: unknown): string | undefined {
  try {
    checked(event);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Reject, String(error));
    return `${error.path}: ${error.message}`;
  }
}

suite('events of cards', () => {
  test('are taken as producers write them, those of cards without a user too', () => {
    assert.equal(checked(user).metadata.event_at, '2022-04-01 12:00:00');
    const withoutUser = checked({ ...card, payload: { ...card.payload, user_id: undefined } });
    assert.equal(withoutUser.payload.user_id, null);
    assert.deepEqual([withoutUser.file, withoutUser.arrived_at], [came.file, came.time]);
    assert.equal(whyNot({ ...card, payload: { ...card.payload, user_id: null } }), undefined);
    assert.equal(whyNot({ ...card, payload: { ...card.payload, user_id: 1000, more: [1e3] } }), undefined);
    const upper = { ...card.metadata, event_id: card.metadata.event_id.toUpperCase() };
    assert.equal(checked({ ...card, metadata: upper }).metadata.event_id, card.metadata.event_id);
  });

  test('D2: are refused, with the field that is wrong, in each of the ways that are made up', () => {
    for (const [event, spoils] of [
      [user, [...badMetadata, ...badUsers]],
      [card, [...badMetadata, ...badCards]],
    ] as const)
      for (const spoil of spoils) {
        const spoilt = spoil(event);
        assert.match(whyNot(spoilt) ?? 'taken', /^(metadata|payload)(\.\w+)?: expected /, JSON.stringify(spoilt));
      }
    assert.match(whyNot({ ...card, payload: { ...card.payload, created_by_name: 'a\0b' } }) ?? '', /created_by_name/);
  });

  test('are made up again from the same seed, with as many bad ones as were asked for', () => {
    const lines = [...generateCards({ count: 3000, invalidShare: 0.1, seed: 7, now })];
    assert.deepEqual(lines, [...generateCards({ count: 3000, invalidShare: 0.1, seed: 7, now })]);
    const events = lines.map((line) => JSON.parse(line) as JsonObject);
    assert.equal(events.filter((event) => whyNot(event) !== undefined).length, 300);
  });

  test('are made up with all that is known of producers: gaps, ties, no users and unknown ones', () => {
    const lines = [...generateCards({ count: 6000, invalidShare: 0, seed: 'all', now })];
    const events = lines.map((line) => checked(JSON.parse(line)));
    const cards = events.filter(({ metadata }) => metadata.type === 'card').map(({ payload }) => payload);
    const users = events.filter(({ metadata }) => metadata.type === 'user').map(({ payload }) => payload.id);
    assert.deepEqual(
      users,
      Array.from({ length: 1000 }, (_, id) => id),
    );
    const ids = new Set(cards.map(({ id }) => id));
    assert.ok(Math.max(...ids) > ids.size, 'ids have no gaps');
    assert.ok(cards.some(({ user_id }) => user_id === 1000));
    const of = Map.groupBy(cards, ({ id }) => id);
    const versions = [...of.values()];
    assert.ok(versions.some((ofCard) => ofCard.length > 1 && ofCard.every(({ user_id }) => user_id === null)));
    assert.ok(versions.every((ofCard) => new Set(ofCard.map(({ user_id }) => user_id)).size === 1));
    assert.ok(versions.some((ofCard) => new Set(ofCard.map(({ updated_at }) => updated_at)).size < ofCard.length));
  });
});
