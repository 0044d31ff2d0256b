/**
 * jinja2 itself on the same templates: what we render is what it renders, or is refused. Refusing what it renders is allowed (an
 * operator too many, a filter that nobody uses), and so is rendering what it refuses; rendering something else is not.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { isFault } from '../../src/errors.ts';
import { builtins } from '../../src/models/jinja/builtins.ts';
import { Interpreter } from '../../src/models/jinja/interpreter.ts';
import { parseTemplate } from '../../src/models/jinja/parse.ts';
import { findDbt } from '../support/dbt.ts';
import { madeTemplates, written } from './jinja-templates.ts';

const found = await findDbt();
const skip = 'missing' in found ? found.missing : false;

const script = `
import json, sys, jinja2
environment = jinja2.Environment(extensions=['jinja2.ext.do'])
def render(template):
    try:
        return environment.from_string(template).render()
    except Exception:
        return None
print(json.dumps([render(template) for template in json.load(sys.stdin)]))
`;

async function byJinja2(templates: readonly string[]): Promise<readonly (string | null)[]> {
  assert.ok('python' in found);
  const child = spawn(found.python, ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(templates));
  return JSON.parse(await text(child.stdout)) as (string | null)[];
}

/** null where it is refused. */
function byUs(template: string): string | null {
  try {
    return new Interpreter(builtins).render(parseTemplate('a.sql', template));
  } catch (error) {
    if (!isFault(error, 'MODELS_INVALID')) throw error;
    assert.match(error.message, /^a\.sql:\d+: ./);
    return null;
  }
}

test('written templates render as in jinja2, every one of them', { skip }, async () => {
  const expected = await byJinja2(written);
  for (const [i, template] of written.entries()) assert.equal(byUs(template), expected[i], template);
});

test('templates made of random parts render as in jinja2, or are refused', { skip }, async () => {
  const templates = madeTemplates(2000, 20_261_121);
  const expected = await byJinja2(templates);
  let same = 0;
  for (const [i, template] of templates.entries()) {
    const ours = byUs(template);
    if (ours === null || expected[i] === null) continue;
    assert.equal(ours, expected[i], template);
    same += 1;
  }
  const rendered = expected.filter((one) => one !== null).length;
  assert.ok(same > rendered * 0.6, `of ${rendered} that jinja2 renders we render ${same}`);
});
