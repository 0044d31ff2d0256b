/** What of dbt is not supported is refused with file and line, before anything runs. */
import assert from 'node:assert/strict';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileNode, readProject } from '../../src/models/project/project.ts';
import { scratch } from '../support/program.ts';
import { settings, writeProject } from './projects.ts';

const model = 'models/a.sql';
const yaml = 'models/a.yml';

/** The tests of a column of `a`, from the sixth line on. */
function columnOf(name: string): string {
  return `models:\n- name: a\n  columns:\n  - name: ${name}\n    tests:\n`;
}

/** Each a project, and what is said of it. */
const refused: readonly (readonly [what: string, files: Readonly<Record<string, string>>, said: RegExp])[] = [
  [
    'a query while it compiles',
    { [model]: 'select 1\n{{ run_query("select 1") }}' },
    /^models\/a\.sql:2: run_query of dbt is not supported/,
  ],
  ['the adapter', { [model]: '{{ adapter.quote("a") }}' }, /^models\/a\.sql:1: adapter of dbt is not supported/],
  ['a name that is not there', { [model]: 'select\n\n{{ nothing }}' }, /^models\/a\.sql:3: nothing is undefined/],
  [
    'a macro that is not there',
    { [model]: 'select\n{{ dbt_utils.star(1) }}' },
    /^models\/a\.sql:2: dbt_utils is undefined/,
  ],
  [
    'a filter that is not there',
    { [model]: '{{ 1 | filesizeformat }}' },
    /^models\/a\.sql:1: the filter filesizeformat is not supported/,
  ],
  [
    'a statement that is not there',
    { [model]: '\n\n{% snapshot a %}{% endsnapshot %}' },
    /^models\/a\.sql:3: the statement snapshot/,
  ],
  ['a text that does not end', { [model]: 'select {{ 1 + }}' }, /^models\/a\.sql:1: /],
  ['an if that does not end', { [model]: 'select\n{% if true %}' }, /^models\/a\.sql:\d+: /],
  [
    'a config that is not known',
    { [model]: '{{ config(pre_hook="x") }}' },
    /^models\/a\.sql:1: the config pre_hook is not supported/,
  ],
  [
    'a materialization that is not known',
    { [model]: '{{ config(materialized="ephemeral") }}' },
    /^models\/a\.sql:1: materialized is expected/,
  ],
  ['a ref to nothing', { [model]: "select * from {{ ref('b') }}" }, /^models\/a\.sql:1: there is no model or seed b/],
  [
    'a ref that only runs',
    { [model]: "{% if execute %}{{ ref('b') }}{% endif %}", 'models/b.sql': '1' },
    /^models\/a\.sql:1: ref\('b'\) is only met/,
  ],
  ['a source that is not there', { [model]: "{{ source('a', 'b') }}" }, /^models\/a\.sql:1: there is no source a\.b/],
  ['a variable that is not there', { [model]: "{{ var('a') }}" }, /^models\/a\.sql:1: there is no variable a/],
  [
    'a circle',
    { [model]: "{{ ref('b') }}", 'models/b.sql': "{{ ref('a') }}" },
    /^models\/a\.sql:1: .* circle: a -> b -> a/,
  ],
  [
    'an error in a macro',
    { [model]: '{{ m() }}', 'macros/m.sql': '\n{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}' },
    /^macros\/m\.sql:3: division by zero/,
  ],
  [
    'a macro without an end',
    { [model]: '{{ m() }}', 'macros/m.sql': '{% macro m() %}{{ m() }}{% endmacro %}' },
    /^macros\/m\.sql:1: m calls itself/,
  ],
  [
    'a macro that changes dbt',
    { [model]: '1', 'macros/m.sql': '{% macro generate_schema_name(a, b) %}{% endmacro %}' },
    /^macros\/m\.sql:1: .*generate_schema_name/,
  ],
  ['packages', { [model]: '1', 'packages.yml': 'packages: []' }, /^packages\.yml:1: packages are not supported/],
  ['snapshots', { [model]: '1', 'snapshots/s.sql': '' }, /^snapshots\/s\.sql:1: snapshots are not supported/],
  ['Python', { 'models/a.py': '' }, /^models\/a\.py:1: models are SQL/],
  [
    'hooks of the project',
    { 'dbt_project.yml': `${settings}on-run-start: x\n` },
    /^dbt_project\.yml:3: on-run-start is not supported/,
  ],
  [
    'a config of a folder',
    { 'dbt_project.yml': `${settings}models:\n  made:\n    a:\n      +grants: {}\n` },
    /^dbt_project\.yml:6: the config grants/,
  ],
  [
    'another project',
    { 'dbt_project.yml': `${settings}models:\n  other:\n    +enabled: false\n` },
    /^dbt_project\.yml:4: other is not this project/,
  ],
  [
    'a test that is not known',
    { [model]: '1', [yaml]: 'models:\n- name: a\n  columns:\n  - name: x\n    tests: [positive]\n' },
    /^models\/a\.yml:5: positive is no test/,
  ],
  [
    'a key that is not known',
    { [model]: '1', [yaml]: 'models:\n- name: a\n  versions: []\n' },
    /^models\/a\.yml:3: versions is not supported here/,
  ],
  ['unit tests', { [model]: '1', [yaml]: 'unit_tests: []\n' }, /^models\/a\.yml:1: unit_tests is not supported/],
  ['a description of nothing', { [yaml]: 'models:\n- name: b\n' }, /^models\/a\.yml:1: b is described/],
  ['what is no YAML', { [model]: '1', [yaml]: 'models:\n- name: [\n' }, /^models\/a\.yml:\d: /],
  [
    'a template in YAML that dbt renders',
    { [model]: '1', [yaml]: 'sources:\n- name: s\n  schema: "{{ target.schema }}"\n  tables: [{ name: t }]\n' },
    /^models\/a\.yml:3: Jinja is not supported here/,
  ],
  [
    'a template among the values of a test',
    { [model]: '1', [yaml]: `${columnOf('x')}    - accepted_values:\n        values:\n        - "{{ var('a') }}"\n` },
    /^models\/a\.yml:8: Jinja is not supported here/,
  ],
  [
    'text that is true to dbt',
    { [model]: '1', [yaml]: `${columnOf('x')}    - accepted_values:\n        values: [yes, no]\n` },
    /^models\/a\.yml:7: dbt reads yes as something else/,
  ],
  ...['0o17', '010', '1e3', '1_000', '12:30', '2024-01-01T00:00:00Z', '.inf'].map(
    (value) =>
      [
        `the variable ${value}, which dbt reads otherwise`,
        { 'dbt_project.yml': `${settings}vars:\n  a: ${value}\n` },
        /^dbt_project\.yml:4: dbt reads \S+ as something else/,
      ] as const,
  ),
  [
    'a number that is too large',
    { 'dbt_project.yml': `${settings}vars:\n  a: 9007199254740993\n` },
    /^dbt_project\.yml:4: whole numbers over 2\^53/,
  ],
  [
    'numbers as keys, whose order is lost',
    { 'dbt_project.yml': `${settings}vars:\n  a:\n    2: x\n` },
    /^dbt_project\.yml:5: 2 is no key/,
  ],
  [
    'aliases of aliases, which would be gigabytes',
    {
      [model]: '1',
      [yaml]: Array.from(
        { length: 12 },
        (_, i) => `a${i}: &a${i} [${`${i === 0 ? 'x' : `*a${i - 1}`},`.repeat(9)}]\n`,
      ).join(''),
    },
    /^models\/a\.yml:1: .*alias/,
  ],
  ['a list without end', { [model]: '{{ [1] * 4000000000 }}' }, /^models\/a\.sql:1: lists of more than 1000000 items/],
  ['a return of no macro', { [model]: 'select\n{{ return(1) }}' }, /^models\/a\.sql:2: return\(\) outside of a macro/],
  [
    'what an object of dbt has and ours has not',
    { [model]: '{% if target.threads %}1{% endif %}' },
    /^models\/a\.sql:1: the attribute threads is not supported/,
  ],
  ['arithmetic beyond 2^53', { [model]: '{{ (2 ** 53 + 1) % 2 }}' }, /^models\/a\.sql:1: whole numbers over 2\^53/],
  [
    'a macro that is there twice',
    {
      [model]: '{{ m() }}',
      'macros/m.sql': '{% macro m() %}1{% endmacro %}',
      'macros/n.sql': '\n{% macro m() %}2{% endmacro %}',
    },
    /^macros\/n\.sql:2: the macro m is in macros\/m\.sql, too/,
  ],
  [
    'a table that two models make',
    { [model]: "{{ config(alias='x') }} select 1", 'models/b.sql': "{{ config(alias='X') }} select 2" },
    /^models\/b\.sql:1: "made"\."main"\."X" is what models\/a\.sql makes, too/,
  ],
  [
    'a whole number beyond 2^53',
    { [model]: '{{ 9007199254740993 == 9007199254740992 }}' },
    /^models\/a\.sql:1: whole numbers over 2\^53/,
  ],
  ['what prints otherwise in Python', { [model]: 'select {{ range(3) }}' }, /^models\/a\.sql:1: this is no list/],
  [
    'a default of map',
    { [model]: "{{ [{}] | map(attribute='a', default=1) | list }}" },
    /^models\/a\.sql:1: map takes no argument default/,
  ],
  [
    'a name twice',
    { [model]: '1', 'models/b/a.sql': '2' },
    /^models\/b\/a\.sql:1: the name a is that of models\/a\.sql/,
  ],
];

test('what is no UTF-8, and a link, are refused where they stand', async (t) => {
  const dir = await writeProject(await scratch(t), { [model]: 'select 1' });
  const read = (): unknown => readProject({ dir, vars: {}, env: {} });
  read();
  await writeFile(join(dir, 'models/b.sql'), Buffer.from('select\n1 as "\u00e9"', 'latin1'));
  assert.throws(read, { code: 'MODELS_INVALID', message: /^models\/b\.sql:2: it is no UTF-8/ });
  await rm(join(dir, 'models/b.sql'));
  await symlink('a.sql', join(dir, 'models/c.sql'));
  assert.throws(read, { code: 'MODELS_INVALID', message: /^models\/c\.sql:1: symbolic links are not supported/ });
});

for (const [what, files, said] of refused)
  test(`${what} is refused where it stands`, async (t) => {
    const dir = await writeProject(await scratch(t), files);
    assert.throws(
      () => {
        const project = readProject({ dir, vars: {}, env: {} });
        for (const node of project.nodes.values()) compileNode(project, node);
      },
      { code: 'MODELS_INVALID', message: said },
    );
  });

test('names that mean something to JavaScript are none of a configuration', async (t) => {
  const sql = "{{ config.get('constructor') }} {{ config.get('toString', 1) }} {{ config.get('__proto__', []) }}";
  const dir = await writeProject(await scratch(t), { [model]: sql });
  const project = readProject({ dir, vars: {}, env: {} });
  assert.equal(compileNode(project, project.nodes.get('a')!), 'None 1 []');
});
