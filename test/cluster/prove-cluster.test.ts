/** `tributary prove --engine cluster`: proven, failed, interrupted, killed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { glob, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { ClusterProof } from '../../src/prove/cluster/prove-cluster.ts';
import { cleanEnvironment, runProgram, scratch } from '../support/program.ts';
import { until } from '../support/until.ts';

const program = join(import.meta.dirname, '../../src/cli/program.ts');

suite('tributary prove --engine cluster', { concurrency: false, timeout: 600_000 }, () => {
  test('D1, D2, D3, D5: nothing is lost, twice, wrong or torn after 6 faults, and nothing is left behind', async (t) => {
    const tmp = await scratch(t);
    const args = ['prove', 'collect', '--engine', 'cluster', '--kills', '6', '--seed', '5', '--json'];
    const { code, stdout, stderr } = await runProgram(args, { TMPDIR: tmp });
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as ClusterProof & { proven: boolean };
    assert.equal(proof.proven, true);
    assert.equal(
      Object.values(proof.kills).reduce((sum, count) => sum + count),
      6,
    );
    assert.equal(proof.landed + proof.deadLetters, proof.acknowledged);
    assert.ok(proof.landed > 100 && proof.deadLetters > 0, stdout);
    assert.deepEqual(await keptIn(tmp), []);
  });

  test('D1, D2, D3, D5: requests and their dashboards are what the raw events are after 4 faults', async (t) => {
    const args = ['prove', 'signals', '--engine', 'cluster', '--kills', '4', '--seed', '5', '--json'];
    const { code, stdout, stderr } = await runProgram(args, { TMPDIR: await scratch(t) });
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as ClusterProof & { proven: boolean };
    assert.deepEqual([proof.proven, proof.sends, proof.landed], [true, 'requests', proof.acknowledged]);
    assert.ok(proof.landed > 100 && proof.counts['dashboards read']! > 200, stdout);
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`no server or node outlives a proof that ${signal} ends, also while one of them stands still`, async (t) => {
      const tmp = await scratch(t);
      const args = [program, 'prove', 'collect', '--engine', 'cluster', '--kills', '100'];
      const child = spawn(process.execPath, args, { env: cleanEnvironment({ TMPDIR: tmp }), stdio: 'ignore' });
      t.after(() => child.kill('SIGKILL'));
      const pids = await untilLoaded(tmp);
      process.kill(pids.find(({ name }) => name === 'node-1')!.pid, 'SIGSTOP');
      child.kill(signal);
      await once(child, 'exit');
      await until(() => pids.every(({ pid }) => !isThere(pid)));
    });
  }

  test('what the machine does not have is told before anything is started', async (t) => {
    const tmp = await scratch(t);
    const nowhere = join(tmp, 'bin');
    await mkdir(nowhere);
    const ran = await runProgram(['prove', 'collect', '--engine', 'cluster'], { TMPDIR: tmp, PATH: nowhere });
    assert.equal(ran.code, 1);
    assert.match(
      ran.stderr,
      /^error: .*Kafka needs Java 17 or newer, and java does not run here.* Install what is named/,
    );
    assert.deepEqual(await keptIn(tmp), []);
  });
});

suite('tributary prove --engine cluster of what takes files', { timeout: 600_000 }, () => {
  test('D1, D2, D3, D5: files that writers leave half-written are taken once by whichever node there is, after 2 faults', async (t) => {
    const args = ['prove', 'cards', '--engine', 'cluster', '--kills', '2', '--seed', '3', '--json']; // a node is killed
    const { code, stdout, stderr } = await runProgram(args, { TMPDIR: await scratch(t) });
    assert.equal(code, 0, stdout + stderr);
    const proof = JSON.parse(stdout) as ClusterProof & { proven: boolean };
    assert.deepEqual([proof.proven, proof.sends], [true, 'files']);
    assert.ok(proof.landed > 20 && proof.acknowledged > 20, stdout);
  });
});

async function keptIn(tmp: string): Promise<readonly string[]> {
  return (await readdir(tmp)).filter((name) => name.startsWith('tributary-'));
}

interface Named {
  readonly name: string;
  readonly pid: number;
}

/** Everything that the proof has started, once it does its first fault. */
async function untilLoaded(tmp: string): Promise<readonly Named[]> {
  let begun: readonly string[] = [];
  while (begun.length === 0) begun = await Array.fromAsync(glob(join(tmp, '*', 'faults.log')));
  const files = await Array.fromAsync(glob(join(tmp, '*', '*', 'pid')));
  const pids = await Promise.all(files.map(async (file) => Number(await readFile(file, 'utf8'))));
  return files.map((file, i) => ({ name: file.split('/').at(-2)!, pid: pids[i]! }));
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
