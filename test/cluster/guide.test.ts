/** The guide's way from one process to a cluster, as a reader goes it: the real servers, two nodes, in a directory that looks like a clone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf } from '../docs/markdown.ts';
import { type Expected, inClone, openSession, runAll } from '../docs/shell-session.ts';

const page = 'docs/guide/cluster.md';

const expected: Expected = [
  ['services -- up', /^kafka 127[^]*^redis redis:/m],
  ['select count(*)', /Sent 20000 events .* 0 not acknowledged[^]*^ *\d+ *$/m],
  ['cluster-1', /"status":"ready"[^]*"status":"ready"[^]*the same answer$/m],
];

test('the guide takes a reader from one process to two nodes on real servers', async (t) => {
  const blocks = blocksOf(page).filter(({ language }) => language === 'sh');
  for (const [text] of expected)
    assert.ok(
      blocks.some((block) => block.text.includes(text)),
      text,
    );
  await runAll(t, await openSession(t, inClone), blocks, expected);
});
