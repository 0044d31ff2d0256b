import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSegmentLog } from '../../src/log/segments/segment-log.ts';
import { openSegmentLogReader } from '../../src/log/segments/segment-log-reader.ts';
import { type LogDriver, logContract } from '../contracts/log.ts';

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
