/** The crash proof of `signals` holds, and it can fail: an app that answers otherwise than it keeps, or counts otherwise, is told. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import type { Proof } from '../../src/prove/prove.ts';
import { runProgram, scratch } from '../support/program.ts';

const signals = join(import.meta.dirname, '../../apps/signals');

suite('prove signals', { concurrency: false, timeout: 280_000 }, () => {
  test('nothing is lost, twice, wrong or torn, and dashboards are the raw events after 6 kills (D1, D2, D3, D5)', async () => {
    const { code, stdout, stderr } = await runProgram(['prove', 'signals', '--kills', '6', '--seed', '7', '--json']);
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as Proof & { proven: boolean };
    assert.deepEqual([proof.proven, proof.sends, proof.landed], [true, 'requests', proof.acknowledged]);
    assert.equal(
      Object.values(proof.kills).reduce((sum, kills) => sum + kills),
      6,
    );
    assert.ok(proof.acknowledged > 50 && proof.counts['refused, as they must be']! > 0, stdout);
    assert.ok(proof.counts['dashboards read']! > 100, stdout);
  });

  for (const [what, changed, reason] of [
    [
      'whose answer is not what it keeps',
      `{ ...app, pipeline: { ...pipeline, source: { ...source, endpoints: source.endpoints.map((one) => ({ ...one, answer: () => 'False' })) } } }`,
      /answered False, stored True/,
    ],
    [
      'whose view counts one symbol in ten twice as rarely',
      `withView({ ...bySymbol, counts: (signal) => (signal.uuid < '1' ? undefined : bySymbol.counts(signal)) })`,
      /had, or was acknowledged, |where the raw events give/,
    ],
    [
      'whose dashboards are some seconds old',
      `withRead((read) => (view) => {
        const reader = read(view);
        return {
          at: (key) => old(key, () => reader.at(key)),
          all: () => reader.all(),
          between: (lower, upper) => reader.between(lower, upper),
        };
      })`,
      /had, or was acknowledged, |where the raw events give/,
    ],
  ] as const) {
    test(`an app ${what} is told (D2)`, async (t) => {
      const proof = await proofOf(t, changed);
      assert.match([...proof.lost, ...proof.wrong, ...proof.failures].join('\n'), reason);
    });
  }
});

/** @param changed an app, made of that of `signals` */
async function proofOf(t: TestContext, changed: string): Promise<Proof> {
  const cwd = await scratch(t);
  const text = `
    import { app } from ${JSON.stringify(join(signals, 'signals.ts'))};
    import { bySymbol } from ${JSON.stringify(join(signals, 'by-symbol.ts'))};
    const { pipeline } = app;
    const { source } = pipeline;
    const withRead = (change) => ({
      ...app,
      routes: app.routes.map((route) =>
        route.answer ? { ...route, answer: (request, read) => route.answer(request, change(read)) } : route),
    });
    const withView = (view) => ({
      ...withRead((read) => () => read(view)),
      pipeline: { ...pipeline, views: [view] },
    });
    const kept = new Map();
    const old = async (key, read) => {
      const last = kept.get(key);
      if (last && performance.now() - last.atMs < 10_000) return last.row;
      const row = await read();
      kept.set(key, { row, atMs: performance.now() });
      return row;
    };
    const changed = ${changed};
    export { changed as app };`;
  await writeFile(join(cwd, 'lying.js'), text);
  await writeFile(join(cwd, 'lying.json'), '{ "pipelines": ["lying.js"] }');
  const config = join(cwd, 'lying.json');
  const args = ['prove', 'signals', '--kills', '2', '--seed', '8', '--config', config, '--json'];
  const { code, stdout, stderr } = await runProgram(args, { TMPDIR: cwd });
  assert.equal(code, 1, stdout + stderr);
  return JSON.parse(stdout) as Proof;
}
