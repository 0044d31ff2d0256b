/** Pulls that several nodes share: each version once, whichever of them is killed, or stands still, between any two steps. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { scratch } from '../../support/program.ts';
import { assertDone, codeOf, frozenAtEachCall, linesOf, type Pulled, pullNodes } from '../../support/pull-nodes.ts';

function kept(pulled: Pulled): number {
  assertDone(pulled);
  return pulled.kept;
}

suite('a pull of several nodes', { timeout: 200_000 }, () => {
  test('D5: goes on where another node has ended, with nothing twice', async (t) => {
    const nodes = await pullNodes(t, await scratch(t));
    t.after(() => nodes.close());
    nodes.add(10);
    assert.equal(kept(await nodes.pull(0)), 8);
    assert.equal(kept(await nodes.pull(1)), 0);
    nodes.add(5);
    assert.equal(kept(await nodes.pull(1)), 4);
    nodes.add(1);
    assert.equal(kept(await nodes.pull(0)), 0);
    await nodes.check();
  });

  test('D2: another path begins anew on whichever node: the greatest value of before is none of its own', async (t) => {
    const nodes = await pullNodes(t, await scratch(t));
    t.after(() => nodes.close());
    nodes.add(10);
    assert.equal(kept(await nodes.pull(0)), 8);
    assert.equal(kept(await nodes.pull(1, { path: 'others' })), 8);
    assert.equal(kept(await nodes.pull(0, { path: 'others' })), 0);
    assert.equal(kept(await nodes.pull(0)), 8, 'others were asked since');
  });

  test('D2: a run of another path that was killed goes on as it began: what the path before has had is not known to it', async (t) => {
    const root = await scratch(t);
    let died: Pulled = 'died';
    for (let call = 0; died === 'died'; call++) {
      const nodes = await pullNodes(t, join(root, `${call}`));
      nodes.add(10);
      assert.equal(kept(await nodes.pull(0)), 8);
      died = await nodes.pull(0, { path: 'others', fault: { call, how: 'crash after' } });
      assertDone(await nodes.pull(0, { path: 'others' }));
      assert.equal((await linesOf(nodes.objects, 'raw/')).length, 16, `killed after call ${call}`);
      await nodes.close();
    }
  });

  test('D3, D5: killed before or after any call to the stores, by the same node or another one afterwards', async (t) => {
    const root = await scratch(t);
    const lives = (['crash before', 'crash after'] as const).flatMap((how) => [
      { how, next: 0 },
      { how, next: 1 },
    ]);
    const isKilled = async (call: number, { how, next }: (typeof lives)[number]): Promise<boolean> => {
      const nodes = await pullNodes(t, join(root, `${call}-${how}-${next}`));
      nodes.add(9);
      assertDone(await nodes.pull(0));
      nodes.add(9);
      const died = await nodes.pull(0, { fault: { call, how } });
      nodes.add(3);
      assertDone(await nodes.pull(next));
      assertDone(await nodes.pull(1 - next));
      await nodes.check();
      await nodes.close();
      return died === 'died';
    };
    let killed = 0;
    while ((await Promise.all(lives.map((life) => isKilled(killed, life)))).every(Boolean)) killed += 1;
    assert.ok(killed >= 9, `${killed}`);
  });

  test('D3, D5: stands still before any call to the stores, while another node pulls, and goes on', async (t) => {
    const root = await scratch(t);
    const ends = await frozenAtEachCall((call) => pullNodes(t, join(root, `${call}`)));
    assert.deepEqual(ends, new Set(['PULL_UNDER_WAY', 'PULL_OVERTAKEN', 'done']));
  });

  test('D3, D5: a call to the stores fails, whether it was done or not; another node pulls at once', async (t) => {
    const root = await scratch(t);
    const held: string[] = [];
    const moreThanAll = 12;
    for (let call = 0; call < moreThanAll; call++)
      for (const how of ['fail before', 'fail after'] as const) {
        const nodes = await pullNodes(t, join(root, `${call}-${how}`));
        nodes.add(9);
        assertDone(await nodes.pull(0));
        nodes.add(9);
        await nodes.pull(0, { fault: { call, how } });
        const other = await nodes.pull(1, { isAtOnce: true });
        if (codeOf(other) === 'PULL_UNDER_WAY') held.push(how);
        else assertDone(other);
        for (const node of [0, 1]) assertDone(await nodes.pull(node));
        await nodes.check();
        await nodes.close();
      }
    // When it is taken, and when it is let go.
    assert.deepEqual(held, ['fail after', 'fail before']);
  });

  test('D1, D3: one that takes all has whole runs, too', async (t) => {
    const root = await scratch(t);
    const ends = await frozenAtEachCall((call) => pullNodes(t, join(root, `${call}`), { isIncremental: false }));
    assert.deepEqual(ends, new Set(['PULL_UNDER_WAY', 'PULL_OVERTAKEN', 'done']));
  });

  test('D3, D5: whatever goes wrong in whichever order', async (t) => {
    const root = await scratch(t);
    let index = 0;
    const fault = fc.record({
      call: fc.nat(16),
      how: fc.constantFrom('crash before', 'crash after', 'freeze', 'freeze'),
    });
    const step = fc.record({
      node: fc.nat(2),
      added: fc.nat(6),
      fault: fc.option(fault, { nil: undefined, freq: 5 }),
      other: fc.option(fault, { nil: undefined, freq: 2 }),
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
      const nodes = await pullNodes(t, join(root, `${index++}`));
      for (const { node, added, fault: first, other } of steps) {
        nodes.add(added);
        // Of one that stands still, too, another one may be killed or stand still.
        const then = other && { ...other, meanwhile: () => nodes.pull((node + 2) % 3) };
        const meanwhile = (): Promise<unknown> => nodes.pull((node + 1) % 3, { fault: then });
        await nodes.pull(node, { fault: first && { ...first, meanwhile } });
      }
      for (const node of [2, 1, 0]) kept(await nodes.pull(node));
      await nodes.check();
      await nodes.close();
    });
    await fc.assert(property, { numRuns: 25 });
  });

  test('one node has it at a time, and it is pulled once at each time of the schedule', async (t) => {
    const nodes = await pullNodes(t, await scratch(t));
    t.after(() => nodes.close());
    nodes.add(4);
    const meanwhile = async (): Promise<void> => {
      assert.equal(codeOf(await nodes.pull(1, { isAtOnce: true })), 'PULL_UNDER_WAY');
    };
    assertDone(await nodes.pull(0, { dueMs: 1_000, fault: { call: 4, how: 'freeze', meanwhile } }));
    assert.equal(codeOf(await nodes.pull(1, { dueMs: 1_000 })), 'PULL_UNDER_WAY');
    assertDone(await nodes.pull(1, { dueMs: 2_000 }));
  });

  test('a clock that was wrong by years keeps nobody from pulling', async (t) => {
    const nodes = await pullNodes(t, await scratch(t));
    t.after(() => nodes.close());
    const [key, wrongMs] = ['pull/changes', Date.UTC(2099, 0)];
    nodes.add(4);
    assertDone(await nodes.pull(0, { dueMs: wrongMs }));
    const held = { ...(JSON.parse(String(await nodes.state.get(key))) as object), untilMs: wrongMs };
    await nodes.state.commit({ put: [{ key, value: Buffer.from(JSON.stringify(held)) }] });
    assertDone(await nodes.pull(1, { dueMs: Date.UTC(2026, 10, 22) }));
    await nodes.check();
  });

  test('D1: a node that was killed goes on with its run at once, unless another one has begun one since', async (t) => {
    const nodes = await pullNodes(t, await scratch(t));
    t.after(() => nodes.close());
    const fault = { call: 3, how: 'crash before' } as const;
    nodes.add(4);
    assert.equal(await nodes.pull(0, { fault }), 'died');
    const [begun] = nodes.runs(0);
    assert.equal(codeOf(await nodes.pull(1, { isAtOnce: true })), 'PULL_UNDER_WAY');
    const done = await nodes.pull(0, { isAtOnce: true });
    assertDone(done);
    assert.equal(done.id, begun?.id);
    nodes.add(4);
    assert.equal(await nodes.pull(0, { fault }), 'died');
    assert.equal(kept(await nodes.pull(1)), 3);
    assert.equal(kept(await nodes.pull(0)), 0);
    const states = nodes.runs(0).map(({ state, reason }) => [state, reason]);
    const givenUp = ['failed', 'given up: another node has gone on with the pull'];
    assert.deepEqual(states, [['done', null], givenUp, ['done', null]]);
    await nodes.check();
  });
});
