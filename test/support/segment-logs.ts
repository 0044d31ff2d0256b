/** Segment logs in directories of their own, and hands on their files, for tests. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isFault } from '../../src/errors.ts';
import type { Log, LogReader, LogRecord } from '../../src/log/log.ts';
import type { LogFile, LogFiles } from '../../src/log/segments/files.ts';
import { realFiles } from '../../src/log/segments/real-files.ts';
import { openSegmentLog, type SegmentLogOptions } from '../../src/log/segments/segment-log.ts';
import { recordsIn } from './records-in.ts';

export const AT = { topic: 't', partition: 0 };
export const SMALL = { segmentBytes: 8 << 10 };
export const fault =
  (code: string, message = /./) =>
  (error: unknown) =>
    isFault(error) && error.code === code && message.test(error.message);

export async function opened(t: TestContext, options: SegmentLogOptions): Promise<Log> {
  const log = await openSegmentLog(options);
  t.after(() => log.close());
  await log.ensureTopics([{ name: 't', partitions: 1 }]);
  return log;
}

export function batchOf(log: Log, ...values: readonly (string | Buffer)[]): ReturnType<Log['batch']> {
  const batch = log.batch();
  for (const value of values) batch.add({ topic: 't', key: null, value: Buffer.from(value), headers: [] });
  return batch;
}

export async function appendMany(log: Log, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await log.append(batchOf(log, `${i}:${'x'.repeat(500)}`));
}

export const readAll = (log: LogReader): Promise<LogRecord[]> => recordsIn(log, AT);

export const segmentsIn = async (dir: string): Promise<string[]> =>
  (await readdir(dir))
    .filter((name) => name.endsWith('.segment'))
    .toSorted()
    .map((name) => join(dir, name));

export async function flip(path: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte[0]! ^= 1;
  await file.write(byte, 0, 1, position);
  await file.close();
}

/** The real files, with something in between for every open file. */
export function wrapped(change: (file: LogFile, mode: string) => Partial<LogFile>): LogFiles {
  return {
    ...realFiles,
    open: async (path, mode) => {
      const file = await realFiles.open(path, mode);
      return {
        read: (into, position) => file.read(into, position),
        write: (bytes, position) => file.write(bytes, position),
        size: () => file.size(),
        truncate: (bytes) => file.truncate(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
        ...(path.endsWith('.segment') ? change(file, mode) : {}),
      };
    },
  };
}

/** Frames' writes wait for `release`. */
export function heldWrites(): { files: LogFiles; hold: () => void; release: () => void } {
  let held = Promise.withResolvers<void>();
  held.resolve();
  const files = wrapped((file, mode) =>
    mode === 'durable'
      ? {
          write: async (bytes, position) => {
            await held.promise;
            await file.write(bytes, position);
          },
        }
      : {},
  );
  return { files, hold: () => void (held = Promise.withResolvers()), release: () => held.resolve() };
}
