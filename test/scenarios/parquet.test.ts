/** The real program with objects in Parquet: what lands, what models make of it, where an event is told to be, and the way back to NDJSON. */
import assert from 'node:assert/strict';
import { extname, join } from 'node:path';
import { test } from 'node:test';
import { linesOf } from '../../src/sinks/object-lines.ts';
import { openDirectoryStore } from '../../src/stores/objects/directory-store.ts';
import type { FoundEvents } from '../../src/trail/find-events.ts';
import type { PackageTrail } from '../../src/trail/package-trail.ts';
import { writeProject } from '../models/projects.ts';
import { collectEvent, packageOf, someUuid } from '../support/collect-event.ts';
import { httpRequest, taken } from '../support/http-request.ts';
import { caughtUp } from '../support/landed.ts';
import { runProgram, scratch, startProgram } from '../support/program.ts';

const ids = [1, 2, 3].map((number) => `5b0ce9b6-6d3b-4a6f-9a3c-00000000000${number}`);
const user = { user_id: 'user_2', age: 34, status: 'free', country: 'BR', created_at: '2023-10-29 04:42:30' };

/** JSON text: one of the properties has digits that a double has not. */
const pushed = `{ "events": [
  { "event_id": "${ids[0]}", "user_id": null, "event_type": "view", "source": "web", "timestamp": "2026-03-01T12:00:00Z",
    "properties": {} },
  { "event_id": "${ids[1]}", "user_id": ${JSON.stringify(user)}, "event_type": "purchase", "source": "apple",
    "timestamp": "2026-03-02T00:30:00+01:00", "properties": { "amount": 12345678901234567890.50, "name": "Zoë 😀" } },
  { "event_id": "${ids[2]}", "user_id": "user_3", "event_type": "view", "source": "web", "timestamp": "2026-03-02T12:00:00Z",
    "properties": {} } ] }`;

const views = {
  pushed: `select event_id, event_type, date::varchar as date, user_id, "user".age as age, properties->>'$.name' as name, properties
    from read_parquet('{{ env_var('TRIBUTARY_OBJECTS') }}/events/event_type=*/*/*.parquet', hive_partitioning = true)`,
  collected: `select attributes.newContextStamp.accountId as account, data, others->>'$.metadata.correlationId' as id, date::varchar as day, type
    from read_parquet('{{ env_var('TRIBUTARY_OBJECTS') }}/events/date=*/*/*.parquet', hive_partitioning = true)`,
};

async function linesByKey(dataDir: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const store = await openDirectoryStore({ dir: join(dataDir, 'objects') });
  const found: Record<string, readonly string[]> = {};
  for await (const key of store.list('events/')) found[key] = await linesOf(key, (await store.get(key)) as Buffer);
  return found;
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(args);
  assert.equal(code, 0, stderr + stdout);
  return stdout;
}

test('objects in Parquet are read as tables and told of, and are NDJSON after a replay without the setting (D3, D9)', async (t) => {
  const dir = await scratch(t);
  const dataDir = join(dir, 'data');
  const env = { TRIBUTARY_OBJECT_FORMAT: 'parquet' };
  let program = await startProgram({ dataDir, env, args: ['--only', 'collect,lake'] });
  t.after(() => program.kill('SIGKILL'));
  const data = '{"id":"a","amount":1.50,"more":[1e400]}';
  const { packageId } = await taken(program.url, packageOf([collectEvent({ data })]));
  const headers = { 'content-type': 'application/json' };
  const answer = await httpRequest(`${program.url}/webhook/events`, { body: pushed, headers });
  assert.equal(answer.status, 200, answer.text);
  await caughtUp(dataDir);
  const landed = await linesByKey(dataDir);
  assert.ok(Object.keys(landed).every((key) => key.endsWith('.parquet')));
  assert.equal(Object.values(landed).flat().length, 4);

  const files = { 'models/pushed.sql': views.pushed, 'models/collected.sql': views.collected };
  const models = ['--project-dir', await writeProject(join(dir, 'project'), files), '--data-dir', dataDir];
  await done('models', 'run', ...models);
  const sql = 'FROM pushed LEFT JOIN collected ON age IS NOT NULL ORDER BY event_id';
  const viewed = { event_type: 'view', age: null, name: null, properties: '{}' };
  const none = { account: null, data: null, id: null, day: null, type: null };
  assert.deepEqual(JSON.parse(await done('models', 'query', sql, '--json', ...models)), [
    { event_id: ids[0], date: '2026-03-01', user_id: null, ...viewed, ...none },
    {
      event_id: ids[1],
      event_type: 'purchase',
      date: '2026-03-01',
      user_id: 'user_2',
      age: 34,
      name: 'Zoë 😀',
      properties: '{ "amount": 12345678901234567890.50, "name": "Zoë 😀" }',
      account: someUuid,
      data,
      id: packageId,
      day: '2026-11-21',
      type: 'App\\Event\\Paid',
    },
    { event_id: ids[2], date: '2026-03-02', user_id: 'user_3', ...viewed, ...none },
  ]);

  const { events } = JSON.parse((await httpRequest(`${program.url}/admin/events/${packageId}`)).text) as FoundEvents;
  const [object] = events[0]?.objects ?? [];
  assert.match(landed[object?.key ?? '']?.[(object?.line ?? 0) - 1] ?? '', new RegExp(packageId));
  const trail = JSON.parse((await httpRequest(`${program.url}/admin/packages/${packageId}`)).text) as PackageTrail;
  assert.deepEqual(trail.objects, [{ key: object?.key, lines: 1 }]);

  assert.equal(await program.kill('SIGTERM'), 0, program.log());
  program = await startProgram({ dataDir, args: ['--only', 'lake'] });
  await done('replay', 'lake', '--from', 'start', '--wait', '--timeout', '120', '--data-dir', dataDir);
  const again = Object.entries(await linesByKey(dataDir)).filter(([key]) => key.includes('lake.raw'));
  assert.deepEqual(new Set(again.map(([key]) => extname(key))), new Set(['.json']));
  assert.equal(again.flatMap(([, lines]) => lines).length, 3);
});
