/** The models of the lake on DuckDB, against a fold over the same rows. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as fc from 'fast-check';
import { scratch } from '../support/program.ts';
import { queryOn, runOf } from './built-models.ts';
import { writeLake } from './lake-files.ts';

const project = join(import.meta.dirname, '../../models');
const kinds = ['academic', 'podcast', 'reflection', 'lectio_divina', 'rosary', 'meditation'];

interface Rows {
  readonly users: readonly { readonly id: number; readonly age: number }[];
  readonly content: readonly { readonly id: number; readonly kind: string }[];
  readonly sessions: readonly { readonly user: number; readonly content: number; readonly done: boolean }[];
}

function groupOf(age: number): string | undefined {
  if (age >= 65) return '65+';
  return [
    [18, 24],
    [25, 34],
    [35, 44],
    [45, 54],
    [55, 64],
  ]
    .find(([from = 0, to = 0]) => age >= from && age <= to)
    ?.join('-');
}

/** As the contract says it, row by row. */
function topFive({ users, content, sessions }: Rows): readonly unknown[][] {
  const counts = new Map<string, Map<string, number>>();
  for (const session of sessions) {
    const user = users.find(({ id }) => id === session.user);
    const kind = content.find(({ id }) => id === session.content)?.kind;
    const group = user && groupOf(user.age);
    if (group === undefined || kind === undefined) continue;
    const ofGroup = counts.get(group) ?? new Map<string, number>();
    counts.set(group, ofGroup.set(kind, (ofGroup.get(kind) ?? 0) + 1));
  }
  return [...counts.keys()].toSorted().flatMap((group) =>
    [...(counts.get(group) ?? [])]
      .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
      .slice(0, 5)
      .map(([kind, count], i) => [group, kind, count, i + 1]),
  );
}

const at = '2024-01-02 03:04:05.123456';

async function writeCsv(objects: string, { users, content, sessions }: Rows): Promise<void> {
  await mkdir(join(objects, 'data'), { recursive: true });
  const write = (name: string, header: string, rows: readonly string[]) =>
    writeFile(join(objects, `data/${name}.csv`), `${[header, ...rows].join('\n')}\n`);
  await write(
    'users',
    'id,age,status,country,created_at',
    users.map(({ id, age }) => `${id},${age},free,US,${at}`),
  );
  await write(
    'content',
    'id,media_type,prayer_type,created_at',
    content.map(({ id, kind }) => `${id},video,${kind},${at}`),
  );
  await write(
    'sessions',
    'id,user_id,content_id,is_complete,created_at',
    sessions.map(({ user, content: one, done }, i) => `${i + 1},${user},${one},${done ? 'True' : 'False'},${at}`),
  );
}

function lines(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

/** As a pull stores them: a run of before, which no longer counts, and the newest. */
async function writePulled(objects: string, { users, content }: Rows): Promise<void> {
  const put = async (key: string, text: string) => {
    await mkdir(join(objects, key, '..'), { recursive: true });
    await writeFile(join(objects, key), text);
  };
  const rest = { status: 'free', country: 'US', created_at: '2024-01-02T03:04:05Z' };
  await put('raw/users/date=2024-01-01/run-1.json', lines([{ user_id: 'user_1', age: 99, ...rest }]));
  await put(
    'raw/users/date=2024-01-02/run-0.json',
    lines(users.map(({ id, age }) => ({ user_id: `user_${id}`, age, ...rest }))),
  );
  const items = content.map(({ id, kind }) => ({
    content_id: `content_${id}`,
    prayer_type: kind,
    media_type: 'text',
    created_at: at,
  }));
  await put('raw/content/date=2024-01-02/run-0.json', lines(items));
}

const some = <T>(value: fc.Arbitrary<T>) =>
  fc.uniqueArray(value, { minLength: 1, maxLength: 12, selector: (one) => (one as { id: number }).id });
const rowsOf = fc.record<Rows>({
  users: some(
    fc.record({
      id: fc.integer({ min: 1, max: 15 }),
      age: fc.constantFrom(17, 18, 24, 25, 34, 35, 44, 45, 54, 55, 64, 65, 90),
    }),
  ),
  content: some(fc.record({ id: fc.integer({ min: 1, max: 15 }), kind: fc.constantFrom(...kinds) })),
  sessions: fc.array(
    fc.record({ user: fc.integer({ min: 1, max: 17 }), content: fc.integer({ min: 1, max: 17 }), done: fc.boolean() }),
    { maxLength: 120 },
  ),
});

async function topFiveOn(
  t: TestContext,
  rows: Rows,
  vars: Readonly<Record<string, unknown>>,
): Promise<readonly unknown[]> {
  const dir = await scratch(t);
  const objects = join(dir, 'objects');
  await writeCsv(objects, rows);
  if (vars['entities'] === 'pulled') await writePulled(objects, rows);
  const place = { dir: join(dir, 'models'), name: 'lake' };
  const { results } = await runOf({ dir: project, vars, objects, place });
  assert.deepEqual(
    results.filter(({ status }) => status !== 'built'),
    [],
  );
  return (await queryOn(place, 'FROM top_5_prayer_types_per_age_group ORDER BY age_group, age_group_rank')).rows;
}

for (const entities of ['files', 'pulled'])
  test(`the five most frequent prayer types are those of a fold over the rows, entities from ${entities}`, async (t) => {
    await fc.assert(
      fc.asyncProperty(rowsOf, async (rows) => {
        assert.deepEqual(await topFiveOn(t, rows, { entities }), topFive(rows));
      }),
      { numRuns: 8 },
    );
  });

test('what is hostile in a CSV file is a value like others', async (t) => {
  const dir = await scratch(t);
  const objects = join(dir, 'objects');
  await writeLake(objects, { seed: 'hostile', sessions: 10 });
  const hostile = [
    `'; DROP TABLE stg_users; --`,
    'a "quote", a comma',
    'two\nlines',
    '=cmd()',
    '{{ 1 / 0 }}',
    'NULL',
    '',
  ];
  const rows = hostile.map((text, i) => `${i + 1},30,"${text.replaceAll('"', '""')}",US,${at}`);
  await writeFile(join(objects, 'data/users.csv'), `id,age,status,country,created_at\r\n${rows.join('\r\n')}\r\n`);
  const place = { dir: join(dir, 'models'), name: 'lake' };
  await runOf({ dir: project, objects, place });
  const { rows: found } = await queryOn(place, "SELECT coalesce(status, '') FROM stg_users ORDER BY user_id");
  assert.deepEqual(found.flat(), hostile);
});
