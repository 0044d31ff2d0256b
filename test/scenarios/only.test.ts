/** `start --only`: what waits for a pipeline that does not run now is there when it runs again (D2). */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite, test } from 'node:test';
import { collectEvent, packageOf } from '../support/collect-event.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp, rowsOf } from '../support/landed.ts';
import { runProgram, scratch, startFor } from '../support/program.ts';

const collectApp = join(import.meta.dirname, '../../apps/collect/collect.ts');
const events = 4_000;
/** Nobody listens there. */
const noDatabase = { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' };

/** Collect once more, under another name, into a table of its own. */
const otherApp = `
import { app as collect } from ${JSON.stringify(pathToFileURL(collectApp).href)};
const { pipeline } = collect;
const sinks = pipeline.sinks.filter(({ kind }) => kind === 'table').map((table) => ({ ...table, name: 'other_events' }));
export const app = { pipeline: { ...pipeline, name: 'other', source: { ...pipeline.source, path: '/other' },
  topic: { ...pipeline.topic, name: 'events.other' }, sinks } };
`;

suite('start --only', { timeout: 120_000 }, () => {
  test('retention keeps the backlog of a pipeline that does not run (D2)', async (t) => {
    const dir = await scratch(t);
    const dataDir = join(dir, 'data');
    const config = join(dir, 'config.json');
    await writeFile(join(dir, 'other.js'), otherApp);
    const log = { segmentBytes: 64 * 1024, retentionBytes: 1024 * 1024 };
    await writeFile(config, JSON.stringify({ pipelines: [collectApp, 'other.js'], log }));
    const body = packageOf(Array.from({ length: events }, () => collectEvent()));
    const start = async (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) => {
      const program = await startFor(t, { dataDir, args: ['--config', config, ...args], env });
      return program;
    };

    const both = await start([], noDatabase);
    const answer = await httpRequest(`${both.url}/other`, { method: 'POST', body });
    assert.equal(answer.status, 200, answer.text);
    await both.kill('SIGTERM');

    const onlyCollect = await start(['--only', 'collect']);
    await taken(onlyCollect.url, body);
    await caughtUp(dataDir); // with the built-in configuration, which names collect alone
    await onlyCollect.kill('SIGTERM');
    await (await start(['--only', 'collect'])).kill('SIGTERM'); // retention looks first at the start

    const again = await start();
    const lag = await runProgram(['lag', '--wait', '--timeout', '60', '--data-dir', dataDir, '--config', config]);
    assert.equal(lag.code, 0, lag.stderr + lag.stdout);
    assert.deepEqual(await rowsOf(dataDir, 'SELECT count(*) AS n FROM other_events'), [{ n: events }]);
    await again.kill('SIGTERM');
  });
});
