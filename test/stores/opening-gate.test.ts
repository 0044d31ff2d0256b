import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { isFault } from '../../src/errors.ts';
import { OpeningGate } from '../../src/stores/state/opening-gate.ts';

/** Resolves when the work has begun; in an object, lest its outcome be awaited too. */
async function entered(
  enter: (inside: (until: Promise<void>) => Promise<void>) => Promise<void>,
): Promise<{ readonly outcome: Promise<void> }> {
  const begun = Promise.withResolvers<void>();
  const outcome = enter((until) => {
    begun.resolve();
    return until;
  });
  await begun.promise;
  return { outcome };
}

describe('opening gate', () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'tributary-gate-'));
  });
  after(() => rm(root, { recursive: true }));

  /** Two that see the gate as two processes would: SQLite keeps connections of one process apart as well. */
  const two = (name: string, patienceMs?: number): readonly [OpeningGate, OpeningGate] => {
    const options = { path: join(root, name), ...(patienceMs !== undefined && { patienceMs }) };
    return [new OpeningGate(options), new OpeningGate(options)];
  };

  it('is shared by those who commit', async () => {
    const [one, other] = two('shared');
    const both = Promise.withResolvers<void>();
    let inside = 0;
    const work = async (): Promise<void> => {
      if (++inside === 2) both.resolve();
      await both.promise;
    };
    await Promise.all([one.share(work), other.share(work)]);
    await one.close();
    await other.close();
  });

  it('needs no disk: writes nothing, and lets in though its directory is gone', async () => {
    const dir = join(root, 'gone');
    await mkdir(dir);
    const gate = new OpeningGate({ path: join(dir, 'gate') });
    await gate.alone(async () => assert.deepEqual(await readdir(dir), ['gate']));
    assert.equal((await stat(join(dir, 'gate'))).size, 0);
    await rm(dir, { recursive: true });
    assert.equal(await gate.alone(() => 'alone'), 'alone');
    assert.equal(await gate.share(async () => 'shared'), 'shared');
    await gate.close();
  });

  it('lets nobody in beside one who is alone, and in again after it, whatever came of it', async () => {
    const [one, other] = two('alone');
    const opened = Promise.withResolvers<void>();
    const alone = await entered((inside) => one.alone(() => inside(opened.promise)));
    let committed = false;
    const shared = other.share(async () => {
      committed = true;
    });
    for (let turns = 0; turns < 20; turns++) await turn();
    assert.equal(committed, false);
    opened.reject(new Error('cannot be opened'));
    await assert.rejects(alone.outcome, /cannot be opened/);
    await shared;
    assert.equal(committed, true);
    await one.close();
    await other.close();
  });

  it('begins what is shared in its order, each as often as asked, and gives each its own outcome', async () => {
    const [gate, other] = two('order');
    const begun: number[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        gate.share(async () => {
          begun.push(i);
          if (i % 2 === 1) throw new Error(`${i}`);
          return i;
        }),
      ),
    );
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const [i, outcome] of outcomes.entries()) assert.equal(outcome.status, i % 2 === 1 ? 'rejected' : 'fulfilled');
    await other.alone(() => undefined);
    await gate.close();
    await other.close();
  });

  it('says STATE_BUSY when it has waited long enough, to either side, and works again afterwards', async () => {
    const [one, other] = two('patience', 150);
    const ended = Promise.withResolvers<void>();
    const opening = await entered((inside) => one.alone(() => inside(ended.promise)));
    await assert.rejects(
      other.share(async () => assert.fail('let in')),
      (error) => isFault(error, 'STATE_BUSY'),
    );
    ended.resolve();
    await opening.outcome;
    const committed = Promise.withResolvers<void>();
    const committing = await entered((inside) => one.share(() => inside(committed.promise)));
    await assert.rejects(
      other.alone(() => assert.fail('let in')),
      (error) => isFault(error, 'STATE_BUSY'),
    );
    committed.resolve();
    await committing.outcome;
    await one.alone(() => undefined);
    assert.equal(await other.alone(() => 'in'), 'in');
    await one.close();
    await other.close();
  });
});
