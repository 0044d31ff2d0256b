/** One request with one parcel, and what came of it: an answer in every case, also where the connection failed. */
import type { Pool } from 'undici';
import { reasonOf } from '../../errors.ts';
import type { Parcel } from './parcel.ts';

export interface Target {
  readonly pool: Pool;
  /** Of the receiver of packages; requests go to paths of its origin. */
  readonly url: URL;
  /** Sent with each parcel. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  /** Why it was not acknowledged. */
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
  readonly accepted?: number | undefined;
  readonly rejected?: number | undefined;
}

const reasonCharacters = 200;
const longestRetryAfterMs = 60_000;

export async function attempt(
  { pool, url, headers }: Target,
  { path, body }: Parcel,
  key: string,
  signal: AbortSignal,
): Promise<Answer> {
  const where = url.origin + (path ?? url.pathname); // without user, password and query, which may be secrets
  try {
    const response = await pool.request({
      method: 'POST',
      path: path ?? url.pathname + url.search,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }), 'idempotency-key': key },
      body: body ?? null,
      signal,
    });
    const text = await response.body.text();
    const status = response.statusCode;
    if (status === 200) return { status, reason: '', ...counts(text) };
    const said = text.replaceAll(/\s+/g, ' ').slice(0, reasonCharacters).trim();
    return {
      status,
      reason: `${where} answered ${status}${said && `: ${said}`}`,
      retryAfterMs: retryAfter(response.headers),
    };
  } catch (error) {
    return { status: 0, reason: `${where} did not answer: ${reasonOf(error)}` };
  }
}

/** Receivers that say nothing of the kind have taken everything. */
function counts(text: string): { accepted?: number; rejected?: number } {
  try {
    const { accepted, rejected } = JSON.parse(text) as { accepted?: unknown; rejected?: unknown };
    return typeof accepted === 'number' && typeof rejected === 'number' ? { accepted, rejected } : {};
  } catch {
    return {};
  }
}

/** Seconds or a date, as in RFC 9110. */
function retryAfter(headers: Readonly<Record<string, string | string[] | undefined>>): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(longestRetryAfterMs, Math.max(0, ms));
}
