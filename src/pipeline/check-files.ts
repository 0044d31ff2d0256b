/** A source of files in a definition. */
import type { Checker } from './checker.ts';
import type { FileSource } from './pipeline.ts';

const members: readonly (keyof FileSource)[] = [
  'kind',
  'directories',
  'match',
  'subdirectories',
  'format',
  'afterwards',
  'settledAfterMs',
  'maxFileBytes',
  'listEveryMs',
];

/** @throws Fault PIPELINE_INVALID */
export function checkFiles(source: Checker): void {
  source.members(members);
  source.at('directories').distinct((directory) => directory.text(), 1);
  const match = source.at('match');
  if (typeof match.value !== 'function') match.pattern(/^[\w.*?-]+$/, 'letters, digits, _ . - * ?, or a function');
  if (typeof source.at('subdirectories').value !== 'boolean') source.at('subdirectories').fail('true or false');
  source.at('format').oneOf(['json', 'ndjson']);
  source.at('afterwards').oneOf(['leave', 'move', 'delete']);
  source.at('settledAfterMs').integer(1, 24 * 3_600_000);
  source.at('maxFileBytes').integer(1, 1024 * 1024 * 1024);
  source.at('listEveryMs').integer(1, 24 * 3_600_000);
}
