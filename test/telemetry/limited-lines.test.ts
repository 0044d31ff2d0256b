import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitedLines } from '../../src/telemetry/limited-lines.ts';

test('a flood takes twenty lines a second, and says how many are missing', () => {
  const lines: string[] = [];
  let nowMs = 0;
  const tell = limitedLines(
    (line) => lines.push(JSON.stringify(line)),
    () => nowMs,
  );
  for (let i = 0; i < 1000; i++) tell({ i });
  assert.equal(lines.length, 20);
  assert.doesNotMatch(lines.join(''), /leftOut/);
  nowMs = 50;
  tell({ i: 'later' });
  tell({ i: 'no' });
  nowMs = 100;
  tell({ i: 'last' });
  assert.match(lines[20] ?? '', /"i":"later","leftOut":980/);
  assert.match(lines[21] ?? '', /"i":"last","leftOut":1/);
});
