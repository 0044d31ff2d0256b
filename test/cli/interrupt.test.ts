/** Ctrl-C while a command still loads its code: the press arrives when the command has taken it over, and is not lost in between. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { join } from 'node:path';

const source = join(import.meta.dirname, '../../src/cli/interrupt.ts');

test('a press of Ctrl-C that comes before a command takes it over reaches the command', () => {
  const code = `const { endOnInterrupt, onInterrupt } = await import(${JSON.stringify(source)});
    endOnInterrupt();
    process.kill(process.pid, 'SIGINT'); // is told when this turn of the loop is over
    onInterrupt(['SIGINT', 'SIGTERM'], () => process.exit(7));
    setTimeout(() => process.exit(0), 5_000);`;
  const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', code]);
  assert.equal(status, 7);
});
