import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefusalLog } from '../../src/api/refusal-log.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

test('a flood of refusals takes twenty lines a second, and says how many are missing', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', to: { write: (line) => lines.push(line) } });
  let nowMs = 0;
  const tell = createRefusalLog(logger, () => nowMs);
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
