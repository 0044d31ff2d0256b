/**
 * An access key: `trb_<id>_<secret>`, an id of 48 random bits that may be shown anywhere, and a secret of 256 random bits that is
 * shown once. Only the SHA-256 of the whole key is kept. A slow hash (scrypt) protects what people choose and others can
 * guess; 256 random bits cannot be guessed, and a slow hash in front of each package would only cost us (docs/decisions/access.md).
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

export interface NewKey {
  readonly id: string;
  /** The key itself: for whoever asked for it, and for nothing and nobody else. */
  readonly key: string;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** As it was presented: of an existing key or not. */
export interface PresentedKey {
  readonly id: string;
  readonly sha256: Buffer;
}

const idBytes = 6;
const secretBytes = 32;
const keyForm = /^trb_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** How a key looks within any text: what is logged must not hold one. */
export const keyWithinText = /(trb_[0-9a-f]{12})_[A-Za-z0-9_-]{43}/g;

export function makeKey(): NewKey {
  const id = randomBytes(idBytes).toString('hex');
  const key = `trb_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  return { id, key, sha256: sha256(key).toString('hex') };
}

/** `undefined` for a text that is no key of ours. */
export function parseKey(text: string): PresentedKey | undefined {
  const id = keyForm.exec(text)?.[1];
  return id === undefined ? undefined : { id, sha256: sha256(text) };
}

export function isKeyId(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}

export function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

/** Takes the same time wherever the two differ. */
export function isSameHash(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
