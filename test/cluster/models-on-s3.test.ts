/** Models whose objects are on S3: the same tables as with a directory, what they read and what they write. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openS3Store } from '../../src/stores/objects/s3-store.ts';
import { queryOn } from '../models/built-models.ts';
import { runProgram, scratch } from '../support/program.ts';
import { ownBucket, s3Environment, sharedS3, useS3Credentials } from '../support/s3-server.ts';

useS3Credentials();

async function ours(dataDir: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<void> {
  const ran = await runProgram(['models', ...args, '--data-dir', dataDir], env);
  assert.equal(ran.code, 0, ran.stderr);
}

test('models read and write objects on S3 as in a directory', { timeout: 240_000 }, async (t) => {
  const bucket = await ownBucket();
  const dirs = { local: await scratch(t), remote: await scratch(t) };
  const elsewhere = { ...s3Environment, S3_BUCKET: bucket, S3_ENDPOINT: sharedS3 };
  const rows: unknown[] = [];
  for (const [dataDir, env] of [
    [dirs.local, {}],
    [dirs.remote, elsewhere],
  ] as const) {
    await ours(dataDir, env, 'sample', '--users', '100', '--content', '30', '--sessions', '2000', '--seed', 's3');
    await ours(dataDir, env, 'run');
    rows.push(
      (await queryOn({ dir: join(dataDir, 'models'), name: 'lake' }, 'FROM top_5_prayer_types_per_age_group')).rows,
    );
  }
  assert.deepEqual(rows[1], rows[0]);
  assert.equal((rows[0] as unknown[]).length, 30);

  const store = await openS3Store({ bucket, endpoint: sharedS3 });
  await store.put('raw/orders.csv', Buffer.from('id,name\n1,x\n'));
  await ours(dirs.remote, elsewhere, 'run', '--project-dir', join(import.meta.dirname, '../models/project'));
  assert.equal((await store.get('exports/exported.csv'))?.toString(), 'id,kind\n1,a\n2,b\n3,a\n');
  const features = { dir: join(dirs.remote, 'models'), name: 'features' };
  assert.deepEqual((await queryOn(features, 'SELECT count(*) FROM exported')).rows, [[3]]);
  assert.deepEqual((await queryOn(features, 'SELECT name FROM from_files')).rows, [['x'], ['x']]);
});
