import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { WarehouseStatus } from '../../src/engine/warehouse-status.ts';
import { Fault } from '../../src/errors.ts';

const startMs = Date.UTC(2026, 10, 20, 12);
const url = 'postgresql://me:s%40cret@db:5432/warehouse?sslpassword=alsoSecret';

function newStatus(databaseUrl: string | undefined = url) {
  let nowMs = startMs;
  const status = new WarehouseStatus(databaseUrl, () => nowMs);
  const fail = (who: string, error: Error) =>
    assert.rejects(
      status.attempt(who, () => Promise.reject(error)),
      error,
    );
  return { status, fail, pass: (ms: number) => (nowMs += ms) };
}

suite('warehouse status', () => {
  test('up once it was opened, until an attempt fails; then since when and why, until the same one works', async () => {
    const { status, fail, pass } = newStatus();
    assert.equal(String(status), 'not up yet; events wait in the log');
    status.opened();
    assert.equal(String(status), 'up');
    await fail('a', new Error('first'));
    pass(1_000);
    await fail('b', new Error('other'));
    await fail('a', new Error('second\nline'));
    assert.equal(String(status), 'not working since 2026-11-20T12:00:00.000Z: second line; events wait in the log');
    await status.attempt('a', async () => undefined);
    assert.equal(String(status), 'not working since 2026-11-20T12:00:01.000Z: other; events wait in the log');
    await status.attempt('b', async () => undefined);
    assert.equal(String(status), 'up');
  });

  test('an attempt that does not end is no answer after 10 s', async () => {
    const { status, pass } = newStatus();
    status.opened();
    const answer = Promise.withResolvers<void>();
    const attempt = status.attempt('a', () => answer.promise);
    pass(10_000);
    assert.equal(String(status), 'up');
    pass(1);
    assert.equal(String(status), 'no answer since 2026-11-20T12:00:00.000Z; events wait in the log');
    answer.resolve();
    await attempt;
    assert.equal(String(status), 'up');
  });

  test('that another owner was faster says nothing of the warehouse', async () => {
    const { status, fail } = newStatus();
    status.opened();
    await fail('a', new Error('down'));
    await fail('a', new Fault('CHECKPOINT_STALE', 'another owner moved it'));
    assert.equal(String(status), 'up');
  });

  test('passwords are not shown, encoded or not; each address that was refused is', async () => {
    const { status, fail } = newStatus();
    await fail('a', new AggregateError([new Error(`no ${url}`), new Error('s%40cret or s@cret or alsoSecret')]));
    assert.equal(
      String(status),
      'not working since 2026-11-20T12:00:00.000Z: no ***; *** or *** or ***; events wait in the log',
    );
    const unreadable = newStatus('postgresql://me:pass word@[db');
    await unreadable.fail('a', new Error('cannot read postgresql://me:pass word@[db'));
    assert.match(String(unreadable.status), /: cannot read \*\*\*;/);
    const broken = newStatus('postgresql://me:50%@db/warehouse');
    await broken.fail('a', new Error('50% is no password'));
    assert.match(String(broken.status), /: \*\*\* is no password;/);
  });
});
