/** Data of the real systems, which is not in the repository: it lies beside a clone, or in the directory that TRIBUTARY_TEST_DATA names. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const dir = process.env['TRIBUTARY_TEST_DATA'] ?? join(import.meta.dirname, '../../../shared/data');

export interface RealData {
  readonly path: string;
  /** For the options of a test: why it cannot run here, or false. */
  readonly skip: string | false;
}

export function realData(name: string): RealData {
  const path = join(dir, name);
  return { path, skip: !existsSync(path) && `${name} is neither beside the clone nor in TRIBUTARY_TEST_DATA` };
}
