import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { bulk, day, integer, positiveInteger, text } from '../../src/index.ts';
import { nameOf, pipelinesOf } from '../../src/pipeline/apps.ts';
import { keyedPaths } from '../../src/pipeline/source-paths.ts';

const columns = { orig_code: text(), day: day(), price: positiveInteger(), n: integer() };
const good = { name: 'rates', path: '/rates/batches', table: 'prices', columns, onConflict: 'insert' } as const;

const refused: Readonly<Record<string, readonly [object, RegExp]>> = {
  'a name with capitals': [{ name: 'Rates' }, /name: expected lower-case/],
  'a path without a slash': [{ path: 'rates' }, /path: expected a path/],
  'a table that is no name': [{ table: 'a;b' }, /table: expected a name/],
  'no columns': [{ columns: {} }, /columns: expected an object that is not empty/],
  'a column that is no name': [{ columns: { 'a"b': text() } }, /a name of lower-case letters/],
  'a type that is not there': [{ columns: { a: { type: 'dya' } } }, /columns.a.type: .*did you mean "day"/],
  'a least of a text': [{ columns: { a: { type: 'text', least: 1 } } }, /columns.a.least: expected none/],
  'something else on conflict': [{ onConflict: 'ignore' }, /onConflict: expected one of insert, upsert/],
  'a setting that is not there': [{ tabel: 'x' }, /tabel: there is no such setting; did you mean "table"/],
  'a reference of another column': [
    { references: [{ columns: ['orig_cod'], to: { table: 'ports', columns: ['code'] } }] },
    /references\[0\].columns\[0\]: .*did you mean "orig_code"/,
  ],
  'a reference of other length': [
    { references: [{ columns: ['orig_code'], to: { table: 'ports', columns: ['code', 'name'] } }] },
    /references\[0\].to.columns: expected as many columns/,
  ],
};

describe('bulk', () => {
  for (const [what, [change, message]] of Object.entries(refused))
    it(`refuses ${what}`, () => {
      assert.throws(
        () => bulk({ ...good, references: [], ...change }),
        (error) => isFault(error, 'PIPELINE_INVALID') && message.test(error.message),
      );
    });

  it('has no references unless they are given', () => {
    assert.deepEqual(bulk(good).references, []);
  });

  it('an app may have nothing else: it has a name, and its path takes a key', () => {
    const app = { bulk: bulk(good) };
    assert.equal(nameOf(app), 'rates');
    assert.deepEqual(pipelinesOf([app]), []);
    assert.deepEqual(keyedPaths(app), ['/rates/batches']);
  });
});
