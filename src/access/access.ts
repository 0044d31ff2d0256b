/**
 * Who may do what. Packages, and what apps answer of their views, take a key; everything else, but
 * pings, health and pages, the admin token. Decided from the headers alone:
 * what is refused is refused before a byte of its body is read.
 *
 * Beyond loopback nothing is open, and a server without a usable key and a token does not start. On loopback a source is open
 * until a key is made for it, and the rest until a token is set; a key that is revoked or expires closes its source
 * to its holder and does not open it to others.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { Fault, isFault } from '../errors.ts';
import type { AdminTokens } from './admin-tokens.ts';
import { bearerToken, presentedSecret } from './credential.ts';
import type { KeyRing } from './key-ring.ts';
import { type KeyRecord, isKeyFor, keyStatus } from './key-store.ts';
import type { LastUsed } from './last-used.ts';
import { isFromHere, isLoopback } from './loopback.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a request to a source may do. */
export interface Grant {
  /** `undefined` where the source is open. */
  readonly keyId: string | undefined;
  /** Who sends: keys that follow each other in a rotation share it. `undefined` where the source is open. */
  readonly keyName: string | undefined;
  /** After decompression; the source's own limit holds beside it. */
  readonly maxBodyBytes: number;
  /** Above 0: it may not be taken now, the key has come too often. */
  readonly waitMs: number;
}

export interface AccessOptions {
  /** Where the server listens. */
  readonly host: string;
  readonly keys: KeyRing;
  readonly tokens: AdminTokens;
  readonly lastUsed: LastUsed;
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number;
}

const open: Grant = { keyId: undefined, keyName: undefined, maxBodyBytes: Infinity, waitMs: 0 };

export class Access {
  readonly #options: AccessOptions;
  readonly #isLoopback: boolean;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#isLoopback = isLoopback(options.host);
    this.#now = options.now ?? Date.now;
  }

  /** @throws Fault ACCESS_NOT_SET_UP where others than this machine could reach what nothing guards */
  checkExposure(sources: readonly string[]): void {
    if (this.#isLoopback) return;
    const { host, keys, tokens } = this.#options;
    const hasKey = sources.some((source) => keys.hasUsable(source, this.#now()));
    const missing = [...(hasKey ? [] : ['a key for a source']), ...(tokens.isSet ? [] : ['an admin token'])];
    if (missing.length === 0) return;
    const needs = `there is not yet ${missing.join(' and not yet ')}`;
    throw new Fault('ACCESS_NOT_SET_UP', `${host} may be reached from other machines, and ${needs}`);
  }

  /** @throws Fault KEY_REQUIRED, KEY_REFUSED, FORBIDDEN */
  source(headers: IncomingHttpHeaders, path: string): Grant {
    const key = this.#keyFor(headers, path);
    if (key === undefined) return open;
    this.#options.lastUsed.note(key.id, this.#now());
    const maxBodyBytes = key.maxBodyBytes ?? Infinity;
    return { keyId: key.id, keyName: key.name, maxBodyBytes, waitMs: this.#take(key) };
  }

  /** Whether a request that was let in would be let in now; how often its key may come does not count. */
  isStillGood(headers: IncomingHttpHeaders, path: string): boolean {
    try {
      this.#keyFor(headers, path);
      return true;
    } catch (error) {
      if (isFault(error)) return false;
      throw error;
    }
  }

  /** `undefined` where the source is open. */
  #keyFor(headers: IncomingHttpHeaders, path: string): KeyRecord | undefined {
    const { keys, tokens } = this.#options;
    if (this.#isLoopback && !keys.covers(path)) return undefined;
    const secret = presentedSecret(headers);
    if (secret === undefined) throw new Fault('KEY_REQUIRED', `${path} is open with a key only`);
    const key = keys.find(secret);
    if (key === undefined) {
      if (tokens.matches(secret))
        throw new Fault('FORBIDDEN', 'the admin token is no key: it sends no events and reads no views');
      throw new Fault('KEY_REFUSED', 'this is no key of this server');
    }
    const status = keyStatus(key, this.#now());
    if (status !== 'active') throw new Fault('KEY_REFUSED', `the key ${key.id} is ${status}`);
    if (!isKeyFor(key, path)) throw new Fault('FORBIDDEN', `the key ${key.id} is for ${key.source}, not for ${path}`);
    return key;
  }

  /** @throws Fault ADMIN_TOKEN_REQUIRED, FORBIDDEN */
  admin(headers: IncomingHttpHeaders): void {
    const { keys, tokens } = this.#options;
    if (!tokens.isSet && this.#isLoopback) {
      if (isFromHere(headers)) return;
      throw new Fault(
        'FORBIDDEN',
        'without an admin token, only requests to localhost and from its own pages are taken',
      );
    }
    const secret = bearerToken(headers.authorization);
    if (secret === undefined) throw new Fault('ADMIN_TOKEN_REQUIRED', 'this takes the admin token');
    if (tokens.matches(secret)) return;
    if (keys.find(secret)) throw new Fault('FORBIDDEN', 'a key sends events and does nothing else');
    throw new Fault('ADMIN_TOKEN_REQUIRED', 'this is not the admin token');
  }

  async close(): Promise<void> {
    const { keys, tokens, lastUsed } = this.#options;
    await Promise.all([keys.close(), tokens.close(), lastUsed.close()]);
  }

  #take({ id, requestsPerSecond }: KeyRecord): number {
    if (requestsPerSecond === undefined) return 0;
    const nowMs = performance.now();
    let bucket = this.#buckets.get(id);
    if (bucket === undefined) this.#buckets.set(id, (bucket = new TokenBucket(requestsPerSecond, nowMs)));
    return bucket.take(nowMs);
  }
}
