/** Pulls that several nodes share: each version once, whichever of them is killed, or stands still, between any two steps. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { isFault } from '../../../src/errors.ts';
import { scratch } from '../../support/program.ts';
import { type NodeFault, pullNodes } from '../../support/pull-nodes.ts';

type Pulled = Awaited<ReturnType<Awaited<ReturnType<typeof pullNodes>>['pull']>>;

/** Of a pull that nothing was to go wrong with. */
function kept(pulled: Pulled): number {
  assert.ok(typeof pulled === 'object' && 'id' in pulled, String((pulled as { failed?: unknown }).failed ?? pulled));
  return pulled.kept;
}

function failure(pulled: Pulled): unknown {
  return typeof pulled === 'object' && 'failed' in pulled ? pulled.failed : pulled;
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

  test('D3, D5: killed before or after any call to the stores, by the same node or another one afterwards', async (t) => {
    const root = await scratch(t);
    let isPast = false;
    for (let call = 0; !isPast; call++)
      for (const how of ['crash before', 'crash after'] as const)
        for (const next of [0, 1]) {
          const nodes = await pullNodes(t, join(root, `${call}-${how}-${next}`));
          nodes.add(9);
          kept(await nodes.pull(0));
          nodes.add(9);
          isPast = (await nodes.pull(0, { fault: { call, how } })) !== 'died';
          nodes.add(3);
          kept(await nodes.pull(next));
          kept(await nodes.pull(1 - next));
          await nodes.check();
          await nodes.close();
        }
  });

  test('D3, D5: stands still before any call to the stores, while another node pulls, and goes on', async (t) => {
    const root = await scratch(t);
    const ends = new Set<unknown>();
    let isPast = false;
    for (let call = 0; !isPast; call++) {
      const nodes = await pullNodes(t, join(root, `${call}`));
      nodes.add(9);
      kept(await nodes.pull(0));
      nodes.add(9);
      isPast = true;
      const meanwhile = async (): Promise<void> => {
        isPast = false;
        nodes.add(3);
        kept(await nodes.pull(1));
      };
      const gaveUp = failure(await nodes.pull(0, { fault: { call, how: 'freeze', meanwhile } }));
      ends.add(isFault(gaveUp) ? gaveUp.code : 'done');
      kept(await nodes.pull(0));
      await nodes.check();
      await nodes.close();
    }
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
        const meanwhile = (): Promise<unknown> => nodes.pull((node + 1) % 3, { fault: then as NodeFault | undefined });
        await nodes.pull(node, { fault: first && ({ ...first, meanwhile } as NodeFault) });
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
      const others = nodes.pull(1, { isAtOnce: true });
      assert.ok(isFault(failure(await others), 'PULL_UNDER_WAY'));
    };
    kept(await nodes.pull(0, { dueMs: 1_000, fault: { call: 4, how: 'freeze', meanwhile } }));
    assert.ok(isFault(failure(await nodes.pull(1, { dueMs: 1_000 })), 'PULL_UNDER_WAY'));
    assert.equal(kept(await nodes.pull(1, { dueMs: 2_000 })), 0);
  });
});
