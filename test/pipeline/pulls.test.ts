/** Definitions of pulls: what is wrong in one is said with its path. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { pullsOf } from '../../src/pipeline/apps.ts';
import { type PullDefinition, rest } from '../../src/pipeline/pulls.ts';

interface Item {
  readonly id: string;
}

const good: PullDefinition<Item> = {
  name: 'items',
  base: rest.variable('BASE', 'http://localhost/'),
  path: 'items',
  key: ({ id }) => id,
};

suite('the definition of a pull', () => {
  test('defaults', () => {
    const { pages, timeouts, attempts, maxPageBytes } = rest.pull({ ...good, timeouts: { wholeMs: 10 } });
    assert.deepEqual(pages, { kind: 'one' });
    assert.deepEqual(timeouts, { connectMs: 5_000, firstByteMs: 5_000, wholeMs: 10 });
    assert.deepEqual([attempts, maxPageBytes], [10, 32 * 1024 * 1024]);
  });

  test('what is wrong, with its path', () => {
    const auth = rest.bearer(rest.variable('TOKEN'));
    const incremental = { field: 'at', type: 'time', parameter: 'since', overlap: 0 } as const;
    const wrong: readonly (readonly [more: object, message: RegExp])[] = [
      [{ name: 'Items' }, /^pipeline "Items": name: expected lower-case letters/],
      [{ base: '' }, /: base: expected a string that is not empty/],
      [{ base: { variable: 'A B' } }, /: base\.variable: expected the name of a variable/],
      [{ key: 'id' }, /: key: expected a function/],
      [{ pagess: 1 }, /: pagess: there is no such setting; did you mean "pages"\?/],
      [{ pages: { kind: 'ofset' } }, /: pages\.kind: .*did you mean "offset"\?/],
      [{ pages: rest.offset({ limit: 1 }) }, /: pages\.limit: expected an integer from 2/],
      [{ pages: rest.page({ size: 0 }) }, /: pages\.size: expected an integer from 1/],
      [{ pages: { kind: 'cursor', parameter: 'c', parameters: {} } }, /: pages\.next: missing/],
      [
        { auth: { ...auth, token: 'secret' } },
        /: auth\.token\.variable: expected the name of a variable, got undefined$/,
      ],
      [{ incremental: { ...incremental, overlap: -1 } }, /: incremental\.overlap: expected an integer from 0/],
      [{ incremental: { ...incremental, type: 'date' } }, /: incremental\.type: expected one of time, integer/],
      [{ schedule: 'every day' }, /: schedule: expected a cron expression/],
      [{ schedule: '61 * * * *' }, /: schedule: expected a cron expression/],
      [{ timeouts: { totalMs: 1 } }, /: timeouts\.totalMs: there is no such setting/],
      [{ timeouts: { wholeMs: 0 } }, /: timeouts\.wholeMs: expected an integer from 1/],
      [{ maxRequestsPerSecond: 0 }, /: maxRequestsPerSecond: expected a number above 0/],
      [{ attempts: 0 }, /: attempts: expected an integer from 1/],
    ];
    for (const [more, message] of wrong)
      assert.throws(
        () => rest.pull({ ...good, ...more }),
        (error: unknown) => isFault(error, 'PIPELINE_INVALID') && message.test(error.message),
        String(message),
      );
  });

  test('two pulls do not have one name', () => {
    const [one, other] = [rest.pull(good), rest.pull({ ...good, name: 'others' })];
    assert.deepEqual(pullsOf([{ pulls: [one] }, {}, { pulls: [other] }]), [one, other]);
    assert.throws(
      () => pullsOf([{ pulls: [one] }, { pulls: [one] }]),
      (error: unknown) => isFault(error, 'CONFIG_INVALID') && error.message === 'two pulls are named "items"',
    );
  });
});
