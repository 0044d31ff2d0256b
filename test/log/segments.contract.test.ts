import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { openSegmentLogReader } from '../../src/log/segments/segment-log-reader.ts';
import type { Log } from '../../src/log/log.ts';
import { type LogDriver, logContract } from '../contracts/log.ts';
import { sparseLog } from '../support/sparse-log.ts';

async function inDirectory(segmentBytes?: number): Promise<LogDriver> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-log-'));
  return {
    open: () => openSegmentLog({ dir, ...(segmentBytes === undefined ? {} : { segmentBytes }) }),
    openReader: () => openSegmentLogReader({ dir }),
    dispose: () => rm(dir, { recursive: true, force: true }),
  };
}

logContract('segment files', () => inDirectory());
logContract('segment files, many of them', () => inDirectory(16 << 10));
/** What the tests of its users stand on. */
logContract('a log whose offsets have holes', async () => {
  const driver = await inDirectory();
  const open = async () => sparseLog(await driver.open());
  return { ...driver, open, openReader: async () => sparseLog((await driver.openReader()) as Log) };
});
