/**
 * A child process for registry-kill.test.ts: registers one version after the other under one subject, beside others that do
 * the same, deletes every third, and prints what it was told.
 */
import { writeSync } from 'node:fs';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { avro } from '../contracts/registry-administration.ts';
import { record } from '../contracts/registry.ts';

const [dir = '', name = ''] = process.argv.slice(2);
const { administration: registry } = await openFileRegistry({ dir });

for (let i = 0; ; i++) {
  const doc = `${name}-${i}`;
  const { version, id } = await registry.register('s', avro(record('Killed').replace('{', `{"doc":"${doc}",`)));
  writeSync(1, `registered ${version} ${id} ${doc}\n`);
  if (i % 3 !== 0) continue;
  await registry.deleteVersion('s', version, false);
  writeSync(1, `deleted ${version}\n`);
}
