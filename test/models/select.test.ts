import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProject } from '../../src/models/project/project.ts';
import { select } from '../../src/models/project/select.ts';
import { scratch } from '../support/program.ts';
import { writeProject } from './projects.ts';

test('models are selected as in dbt', async (t) => {
  const dir = await writeProject(await scratch(t), {
    'models/staging/a.sql': "{{ config(tags=['raw', 'daily']) }} select 1",
    'models/staging/b.sql': 'select 1',
    'models/c.sql': "{{ config(materialized='table', tags='daily') }} select * from {{ ref('a') }}, {{ ref('b') }}",
    'models/d.sql': "select * from {{ ref('c') }}",
  });
  const { nodes } = readProject({ dir, vars: {}, env: {} });
  const chosen = (text: string, ...excluded: string[]) => [...select(nodes, [text], excluded)].toSorted().join('');
  assert.equal(chosen(''), 'abcd');
  assert.equal(chosen('c'), 'c');
  assert.equal(chosen('+c'), 'abc');
  assert.equal(chosen('a+'), 'acd');
  assert.equal(chosen('1+d'), 'cd');
  assert.equal(chosen('a+1'), 'ac');
  assert.equal(chosen('a b'), 'ab');
  assert.equal(chosen('+d', 'staging'), 'cd');
  assert.equal(chosen('staging'), 'ab');
  assert.equal(chosen('staging.a'), 'a');
  assert.equal(chosen('path:models/staging'), 'ab');
  assert.equal(chosen('models/staging/b.sql'), 'b');
  assert.equal(chosen('tag:daily'), 'ac');
  assert.equal(chosen('tag:daily,staging'), 'a');
  assert.equal(chosen('config.materialized:table+'), 'cd');
  assert.equal(chosen('*'), 'abcd');
  for (const nothing of ['z', 'tag:none', '@a', 'owner:x', '+'])
    assert.throws(() => chosen(nothing), { code: 'USAGE' }, nothing);
});
