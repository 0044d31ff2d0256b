/** What the configuration says of files is said of a pipeline that takes some, and of directories that no other environment takes from. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type FileSource, files } from 'tributary';
import type { Config } from '../../src/config/config.ts';
import { checkFileSettings } from '../../src/engine/file-sources.ts';
import { pipeline as notes } from '../support/notes.ts';

function whyNot(
  settings: Pick<Config, 'files' | 'env'>,
  source: FileSource = files.inbox({ directories: ['in'] }),
): string {
  try {
    checkFileSettings([{ ...notes, source }], settings);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

suite('settings of files', () => {
  const absolute = files.inbox({ directories: ['in', '/srv/notes'] });

  test('are of pipelines that take files', () => {
    assert.equal(whyNot({ files: { notes: { afterwards: 'move' } } }), '');
    assert.match(
      whyNot({ files: { other: {} } }),
      /files\.other: no pipeline of that name takes files; those that do: notes$/,
    );
  });

  test('in an environment, name directories in place of absolute ones that all would share', () => {
    assert.equal(whyNot({}, absolute), '');
    assert.equal(whyNot({ env: 'a' }), '');
    assert.match(
      whyNot({ env: 'a', files: { notes: { afterwards: 'move' } } }, absolute),
      /files\.notes\.directories: \/srv\/notes would be shared with others by the environment a/,
    );
    assert.equal(whyNot({ env: 'a', files: { notes: { directories: ['/srv/a/notes'] } } }, absolute), '');
  });
});
