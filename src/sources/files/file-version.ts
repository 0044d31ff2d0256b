/**
 * A file at one moment. Another size, time of change (nanoseconds, as far as the file system has them) or inode is another version. What
 * its path and content are told by are digests: short, of names of any length, and the same on every node.
 */
import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type BytePath, bytesOf } from './byte-path.ts';

export interface FileVersion {
  /** Names the version among those of its path: 16 hexadecimal digits. */
  readonly id: string;
  readonly size: number;
  /** Unix milliseconds. */
  readonly changedMs: number;
}

export function versionOf({ size, mtimeNs, ino }: BigIntStats): FileVersion {
  const id = hash('sha256', `${size} ${mtimeNs} ${ino}`).slice(0, 16);
  return { id, size: Number(size), changedMs: Number(mtimeNs / 1_000_000n) };
}

/** 16 hexadecimal digits; files of one path are compared by it, no others. */
export function contentOf(bytes: Uint8Array): string {
  return hash('sha256', bytes).slice(0, 16);
}

/** 96 bits, in 16 characters: two of ten million paths share an id once in 10^15 such sets. */
export function pathId(scope: BytePath, relative: BytePath): string {
  return hash('sha256', bytesOf(`${scope}\0${relative}`), 'base64url').slice(0, 16);
}
