import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fault } from '../../src/errors.ts';
import { filesObserver } from '../../src/telemetry/files-observer.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

function observed() {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', to: { write: (line: string) => lines.push(line) } });
  const metrics = createMetrics();
  const observer = filesObserver({ pipeline: 'notes', logger, metrics });
  const told = () => lines.splice(0).map((line) => JSON.parse(line) as Record<string, unknown>);
  return { observer, told, metrics };
}

const full = () => new Fault('LOG_FULL', 'the disk is full');

suite('what is told of files', () => {
  test('a file that is passed over at each listing is a line once, and again for another reason', async () => {
    const { observer, told, metrics } = observed();
    for (let listing = 0; listing < 100; listing++) observer.passedOver('a/1.json', 'cannot be read (EACCES)');
    observer.passedOver('a/1.json', 'is no file');
    for (let listing = 0; listing < 100; listing++) observer.notTakenAway('a/1.json', new Error('EACCES'));
    assert.deepEqual(
      told().map(({ file, why, msg }) => [file, why, msg]),
      [
        ['a/1.json', 'cannot be read (EACCES)', 'a file is passed over for now'],
        ['a/1.json', 'is no file', 'a file is passed over for now'],
        ['a/1.json', 'was taken, and cannot be moved or deleted', 'a file is passed over for now'],
      ],
    );
    const counted = (await metrics.files.get()).values.map(({ labels, value }) => [labels.outcome, value]);
    assert.deepEqual(counted, [['passed over', 3]]);
  });

  test('a failure that comes again and again is a line once, until files are taken again', () => {
    const { observer, told } = observed();
    for (let attempt = 0; attempt < 100; attempt++) observer.failed(full());
    observer.failed(new Fault('LOG_UNAVAILABLE', 'no broker answers'));
    observer.taken([{ outcome: 'loaded', accepted: 1, rejected: 0 }]);
    observer.failed(full());
    assert.deepEqual(
      told().map(({ err }) => (err as { code: string }).code),
      ['LOG_FULL', 'LOG_UNAVAILABLE', 'LOG_FULL'],
    );
  });
});
