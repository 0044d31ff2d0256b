import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { cleanEnvironment, scratch } from '../support/program.ts';

const rounds = 6;

/** Two writers on one registry, each killed after some of its answers: what they were told. */
async function writeUntilKilled(dir: string, round: number): Promise<readonly string[]> {
  const writers = ['a', 'b'].map(async (name) => {
    const writer = join(import.meta.dirname, 'registry-writer.ts');
    const child = spawn(process.execPath, [writer, dir, `${round}${name}`], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const told: string[] = [];
    const killAfter = 1 + Math.floor(Math.random() * 40);
    for await (const line of createInterface(child.stdout)) {
      told.push(line);
      if (told.length === killAfter) child.kill('SIGKILL');
    }
    assert.ok(told.length >= killAfter, `the writer ended by itself, code ${child.exitCode}`);
    return told;
  });
  return (await Promise.all(writers)).flat();
}

test('D1: two processes register and are killed at any moment: each answer holds, ids and versions are unique', async (t) => {
  const dir = await scratch(t);
  const told: string[] = [];
  for (let round = 0; round < rounds; round++) told.push(...(await writeUntilKilled(dir, round)));

  const { administration: registry } = await openFileRegistry({ dir });
  const versions = await registry.versions('s', 'all');
  assert.deepEqual(
    versions.map(({ version }) => version),
    versions.map((_, i) => i + 1),
  );
  assert.equal(new Set(versions.map(({ id }) => id)).size, versions.length);
  for (const line of told) {
    const [what, version, id, doc] = line.split(' ');
    const found = versions[Number(version) - 1];
    if (what === 'deleted') assert.equal(found?.isDeleted, true, line);
    else
      assert.deepEqual(
        [found?.id, (JSON.parse(found?.schema ?? '{}') as { doc?: string }).doc],
        [Number(id), doc],
        line,
      );
  }
  // Each kill may hide the answer to one change that was made.
  const registered = told.filter((line) => line.startsWith('registered')).length;
  assert.ok(versions.length - registered <= 2 * rounds, `${versions.length} versions, ${registered} acknowledged`);
  t.diagnostic(`${2 * rounds} kills, ${registered} registrations acknowledged, ${versions.length} found`);
});
