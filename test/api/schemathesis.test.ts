/**
 * Generated requests, right and wrong, to each operation of `/openapi.json`: schemathesis, a client that we did not write, judges
 * whether what is answered is what the document says. What counts as right is in schemathesis.toml.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { cleanEnvironment, scratch, startProgram } from '../support/program.ts';
import { pythonWith } from '../support/python.ts';

const requirement = 'schemathesis==4.32.5';
const seed = 20261121;
/** For each operation and phase; the coverage phase alone makes about 50 requests an operation. */
const maxExamples = 10;

interface Outcome {
  readonly code: number;
  readonly report: string;
}

function schemathesis(python: string, cwd: string, url: string): Promise<Outcome> {
  const config = join(import.meta.dirname, 'schemathesis.toml');
  const args = ['--no-color', '--config-file', config, 'run', `${url}/openapi.json`];
  const bounds = ['--phases', 'coverage,fuzzing', '--max-examples', String(maxExamples), '--seed', String(seed)];
  const command = ['-m', 'schemathesis.cli', ...args, ...bounds, '--no-shrink', '--continue-on-failure'];
  const options = { cwd, env: { ...cleanEnvironment(), NO_PROXY: '*' }, timeout: 240_000, maxBuffer: 64 * 2 ** 20 };
  return new Promise((resolve) => {
    execFile(python, command, options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, report: `${stdout}\n${stderr}` }),
    );
  });
}

suite('schemathesis', { timeout: 600_000 }, () => {
  test('finds no answer that the OpenAPI document does not describe, and no 5xx', async (t) => {
    const found = await pythonWith(requirement);
    if ('missing' in found) {
      t.skip(found.missing);
      return;
    }
    const dir = await scratch(t);
    // No warehouse has to come up: nothing here looks at what has landed.
    const env = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', LOG_LEVEL: 'silent' };
    const program = await startProgram({ dataDir: join(dir, 'data'), env });
    t.after(() => program.kill('SIGKILL'));
    const { code, report } = await schemathesis(found.python, dir, program.url);
    const lines = report.split('\n').map((line) => line.slice(0, 300));
    assert.equal(code, 0, lines.join('\n'));
    assert.match(report, /Tested: (?!0\b)\d+/);
  });
});
