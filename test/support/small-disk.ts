/** A disk that fills up: a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const mib = 1024 * 1024;

/** Undefined where this machine lets us mount nothing. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux: a small tmpfs is mounted';
  if (process.getuid?.() !== 0) return 'needs root: a small tmpfs is mounted';
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return `a tmpfs cannot be mounted: ${(error as Error).message}`;
  }
}

export interface SmallDisk {
  readonly dir: string;
  readonly grow: (megabytes: number) => void;
  readonly remove: () => Promise<void>;
}

/** @param owner user id of whom it belongs to; default ours */
export async function smallDisk(megabytes: number, owner?: number): Promise<SmallDisk> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-full-disk-'));
  const whose = owner === undefined ? '' : `,uid=${owner},mode=0700`;
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m${whose}`, 'tmpfs', dir]);
  return {
    dir,
    grow: (to) => void execFileSync('mount', ['-o', `remount,size=${to}m`, dir]),
    remove: async () => {
      execFileSync('umount', ['--lazy', dir]);
      await rmdir(dir);
    },
  };
}

export const freeMegabytes = (dir: string): number => {
  const { bavail, bsize } = statfsSync(dir);
  return (bavail * bsize) / mib;
};
