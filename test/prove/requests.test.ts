/** The parts of the proof of `signals`, each on its own: they find what is wrong, and nothing else. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { generateSignals } from '../../apps/signals/generate.ts';
import { requestTarget } from '../../src/pipeline/request-line.ts';
import { Book, type Acknowledged } from '../../src/prove/requests/book.ts';
import { Floors } from '../../src/prove/requests/floors.ts';
import { judge } from '../../src/prove/requests/judge.ts';
import type { FoundEvents, RawEvent } from '../../src/prove/requests/raw-events.ts';
import { readRequest, type SentRequest } from '../../src/prove/requests/sent-request.ts';
import { Tally } from '../../src/prove/requests/tally.ts';

const uuid = '0b44ae21-5fd4-4b57-9b2e-3c86e2a1d970';

suite('what the proof of signals knows', () => {
  test('which requests must be refused, as the contract says', () => {
    assert.deepEqual(readRequest(`/initial?uuid=${uuid.toUpperCase()}&symbol=e`), {
      kind: 'initial',
      uuid,
      symbol: 'e',
    });
    assert.deepEqual(readRequest(`/followup?symbol=ignored&uuid=${uuid}`), { kind: 'followup', uuid, symbol: null });
    for (const bad of [
      `/initial?uuid=${uuid}`,
      `/initial?symbol=e`,
      `/initial?uuid=${uuid}&symbol=e&symbol=e`,
      `/initial?uuid=${uuid}&symbol=E`,
      `/initial?uuid=${uuid}&symbol=%C3%A9`,
      `/followup`,
      `/followup?uuid=${uuid}&uuid=${uuid}`,
      `/followup?uuid=${uuid.replaceAll('-', '')}`,
      `/followup?uuid=${uuid.replace('-4', '-1')}`,
    ])
      assert.equal(readRequest(bad), undefined, bad);
  });

  test('as many requests must be refused as the generator made invalid', () => {
    const paths = new Set(['/initial', '/followup']);
    const lines = [...generateSignals({ count: 5_000, invalidShare: 0.1, seed: 3 })];
    const targets = lines.map((line) => requestTarget(line, paths) ?? assert.fail(line));
    assert.equal(targets.filter((target) => readRequest(target) === undefined).length, 500);
  });

  test('counts and pairs by symbol, in any order', () => {
    fc.assert(
      fc.property(fc.array(request()), (requests) => {
        const tally = new Tally();
        for (const one of requests) tally.add(one);
        for (const symbol of 'ab') {
          const initials = requests.filter((one) => one.symbol === symbol);
          const pairs = initials.map(
            (one) => requests.filter((other) => other.kind === 'followup' && other.uuid === one.uuid).length,
          );
          const followups = pairs.reduce((sum, count) => sum + count, 0);
          assert.deepEqual(tally.of(symbol), { count: initials.length, followups });
        }
      }),
    );
  });

  test('what was acknowledged, or shown, must be shown from then on: at once, or within a second on many nodes', () => {
    for (const agreeWithinMs of [0, 1_000]) {
      const floors = new Floors(agreeWithinMs);
      floors.raise('e', { count: 2, followups: 1 }, 100);
      floors.raise('e', { count: 1, followups: 4 }, 200);
      assert.equal(floors.at('e', 99 + agreeWithinMs).count, 0);
      const { count, followups } = floors.at('e', 100 + agreeWithinMs);
      assert.deepEqual([count, followups], [2, 1]);
      const later = floors.at('e', 200 + agreeWithinMs);
      assert.deepEqual([later.count, later.followups], [2, 4]);
      assert.equal(floors.at('a', 10_000).count, 0);
    }
  });

  test('a dashboard that goes back, is behind, or shows what nobody sent is told', () => {
    const book = new Book(0);
    const sent: SentRequest = { kind: 'initial', uuid, symbol: 'e' };
    for (let n = 0; n < 3; n++) book.begin(sent);
    for (let n = 0; n < 2; n++) book.acknowledge({ ...sent, answer: 'True', begunMs: 0, acknowledgedMs: 0 });
    const row = { symbol: 'e', earliest: null, latest: null, followups: 0 };
    const shows = (count: number): string | undefined => book.whyWrong({ ...row, count }, book.floorOf('e'));
    assert.match(shows(1) ?? '', /was acknowledged, 2/);
    assert.equal(shows(2), undefined);
    assert.equal(shows(3), undefined);
    assert.match(shows(2) ?? '', /had, or was acknowledged, 3/);
    assert.match(shows(4) ?? '', /was sent 3 .* at most/);
  });

  test('D1, D2, D3: what is lost, twice, wrong, torn or sent by nobody is told', () => {
    const initial = acknowledged({ kind: 'initial', uuid, symbol: 'e' }, 'True');
    const followup = acknowledged({ kind: 'followup', uuid, symbol: null }, 'hooray');
    const [one, other] = [raw(initial, true), raw(followup, null)];
    assert.deepEqual(told([initial, followup, followup], [one, other, other]), [[], [], []]);
    assert.deepEqual(told([initial, followup, followup], [one, other]), [
      [`followup ${uuid}: 1 of 2 in the objects`],
      [],
      [],
    ]);
    assert.deepEqual(told([initial], []), [[`initial ${uuid} e: not in the objects`], [], []]);
    assert.deepEqual(told([initial], [one, one]), [[], [`initial ${uuid} e: 2 times in the objects`], []]);
    assert.match(told([], [one])[2]?.[0] ?? '', /nobody sent it/);
    assert.match(told([initial], [raw(initial, false)])[2]?.[0] ?? '', /answered True, stored False/);
    assert.match(told([initial], [{ ...one, time: '1970-01-01T00:01:00.000000Z' }])[2]?.[0] ?? '', /not when it came/);
    const elsewhere = judge([initial], { ...found([one]), torn: ['cut.json'] }, () => 'signals/elsewhere');
    assert.match(elsewhere.wrong[0] ?? '', /it is in signals\//);
    assert.deepEqual(elsewhere.torn, ['cut.json']);
  });
});

function request(): fc.Arbitrary<SentRequest> {
  const of = fc.constantFrom('u1', 'u2', 'u3');
  return fc.oneof(
    fc.record({ kind: fc.constant('initial' as const), uuid: of, symbol: fc.constantFrom('a', 'b') }),
    fc.record({ kind: fc.constant('followup' as const), uuid: of, symbol: fc.constant(null) }),
  );
}

const cameMs = 86_400_000;

function acknowledged(sent: SentRequest, answer: string): Acknowledged {
  return { ...sent, answer, begunMs: cameMs, acknowledgedMs: cameMs + 5 };
}

function raw({ uuid: of, symbol, kind }: SentRequest, isVowel: boolean | null): RawEvent {
  return { uuid: of, symbol, is_vowel: isVowel, kind, time: '1970-01-02T00:00:00.003000Z' };
}

function found(events: readonly RawEvent[]): FoundEvents {
  return { events: events.map((event) => ({ key: 'signals/1.json', event })), torn: [] };
}

function told(sent: readonly Acknowledged[], events: readonly RawEvent[]): readonly (readonly string[])[] {
  const { lost, twice, wrong } = judge(sent, found(events), () => 'signals');
  return [lost, twice, wrong];
}
