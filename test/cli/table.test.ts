import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { renderTable } from '../../src/cli/table.ts';

const columns = [{ title: 'name' }, { title: 'n', align: 'right' }] as const;

suite('tables', () => {
  test('align their columns, numbers to the right', () => {
    assert.equal(
      renderTable(columns, [
        ['a', '1'],
        ['日本', '200'],
      ]),
      'name    n\na       1\n日本  200',
    );
    assert.equal(renderTable(columns, []), 'name  n');
  });

  test('cut the widest columns first where the terminal is too narrow', () => {
    const text = renderTable([{ title: 'id' }, { title: 'text' }], [['1234567', 'x'.repeat(100)]], 40);
    const [, row = ''] = text.split('\n');
    assert.match(row, /^1234567 {2}x+…$/);
    assert.ok(row.length <= 40, row);
  });

  test('leave a column whole that is said to be: its ids are given to the next command', () => {
    const id = '01932f5e-0c00-8a1b-9c3d-4e5f60000000';
    const three = [{ title: 'id', isWhole: true }, { title: 'reason' }, { title: 'when' }];
    for (const width of [1, 40, 60, 80]) {
      const [, row = ''] = renderTable(three, [[id, 'x'.repeat(100), '2026-11-22T09:05:14.645Z']], width).split('\n');
      assert.ok(row.startsWith(`${id}  x`), row);
      assert.ok(row.length <= Math.max(width, id.length + 2 * 10), row);
    }
  });

  test('control characters never reach the terminal', () => {
    const text = renderTable(columns, [['\u001B[2Jred\u009Bx\n', '1']]);
    assert.equal(text.split('\n')[1], '\\x1b[2Jred\\x9bx\\n  1');
  });

  test('any values, at any width: one line a row, not wider than asked', () => {
    const cell = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    const rows = fc.array(fc.tuple(cell, cell, cell), { maxLength: 5 });
    fc.assert(
      fc.property(rows, fc.integer({ min: 30, max: 120 }), (some, width) => {
        const three = ['a', 'b', 'c'].map((title) => ({ title }));
        const lines = renderTable(three, some, width).split('\n');
        assert.equal(lines.length, some.length + 1);
        for (const line of lines) assert.ok(line.length <= width, `${line.length} > ${width}`);
      }),
    );
  });
});
