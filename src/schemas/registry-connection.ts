/**
 * Requests to a schema registry by its URL, and nothing but JSON back. Whatever the other side does, an ask ends within its limit
 * of time and of bytes: with an answer, or with a fault that says what happened. Redirects are not followed, so that the password
 * goes where it was meant to go.
 *
 * An ask is repeated where the registry did not answer, or said that it cannot now. All that is asked may be: registering a schema
 * again answers the version that it has already.
 */
import { Agent } from 'undici';
import { Fault, type FaultCode, reasonOf } from '../errors.ts';
import { backoff } from '../processing/backoff.ts';
import type { RegistryAddress } from './registry-address.ts';
import { RegistryFault } from './registry-fault.ts';

export interface RegistryConnectionOptions {
  readonly address: RegistryAddress;
  /** Of an ask with all its attempts, unless that says otherwise. */
  readonly timeoutMs: number;
}

export interface RegistryAsk {
  readonly method: 'GET' | 'POST';
  /** With its query; what comes from outside is percent-encoded in it. */
  readonly path: string;
  readonly body?: object;
  /** Default: the connection's. */
  readonly timeoutMs?: number;
}

const attempts = 4;
/** A list of a hundred thousand subjects; a schema is never so large. */
const maxAnswerBytes = 4 * 1024 * 1024;
const maxConnections = 8;
const registryType = 'application/vnd.schemaregistry.v1+json';

interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

export class RegistryConnection {
  /** Without user and password. */
  readonly address: string;
  readonly #options: RegistryConnectionOptions;
  #isClosed = false;
  readonly #agent = new Agent({ connections: maxConnections, maxResponseSize: maxAnswerBytes });

  constructor(options: RegistryConnectionOptions) {
    this.#options = options;
    this.address = options.address.shown;
  }

  /**
   * What it answered, parsed.
   * @throws RegistryFault SCHEMA_UNKNOWN, SCHEMA_INVALID, SCHEMA_INCOMPATIBLE, SCHEMA_CHANGE_REFUSED: what the registry refused
   * @throws Fault SCHEMA_REGISTRY_UNAVAILABLE: it did not answer, or not as a registry
   */
  async ask(ask: RegistryAsk): Promise<unknown> {
    const timeoutMs = ask.timeoutMs ?? this.#options.timeoutMs;
    const signal = AbortSignal.timeout(timeoutMs);
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt === attempts;
      const answer = await this.#attempt(ask, signal).catch((error: unknown) => {
        if (signal.aborted) throw this.#unavailable(`did not answer within ${timeoutMs} ms`, error);
        if (isLast || this.#isClosed || isTooLarge(error))
          throw this.#unavailable(`did not answer: ${reasonOf(error)}`, error);
        return undefined;
      });
      if (answer && (isLast || !isPassing(answer.status))) return this.#read(ask, answer);
      await backoff(attempt - 1, signal);
    }
  }

  /** What is under way ends with a fault. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#agent.destroy();
  }

  /** By the path as it is: a URL would take `%2E%2E` for the way up. */
  async #attempt({ method, path, body }: RegistryAsk, signal: AbortSignal): Promise<RawAnswer> {
    const { origin, path: prefix, authorization } = this.#options.address;
    const answer = await this.#agent.request({
      origin,
      path: prefix + path,
      method,
      signal,
      headers: {
        accept: `${registryType}, application/json`,
        ...(authorization !== undefined && { authorization }),
        ...(body && { 'content-type': registryType }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, text: await answer.body.text() };
  }

  #read({ method }: RegistryAsk, { status, text }: RawAnswer): unknown {
    const content = parsed(text);
    if (status >= 200 && status < 300) {
      if (content !== undefined) return content;
      throw this.#unavailable('did not answer with JSON: it is no schema registry');
    }
    const { error_code: code, message } = Object(content) as { error_code?: unknown; message?: unknown };
    const words = typeof message === 'string' ? `: ${message.slice(0, maxWords)}` : '';
    const refused = typeof code === 'number' ? faultCodeOf(method, status, code) : undefined;
    if (refused !== undefined) throw new RegistryFault(refused, code as number, words.slice(2));
    throw this.#unavailable(`answered ${status}${words}${hints[status] ?? ''}`);
  }

  #unavailable(what: string, cause?: unknown): Fault {
    return new Fault('SCHEMA_REGISTRY_UNAVAILABLE', `the schema registry at ${this.address} ${what}`, { cause });
  }
}

/** Reasons of incompatibility may be many. */
const maxWords = 10_000;

const hints: Readonly<Record<number, string>> = {
  301: ', and redirects are not followed: name the address that it goes to',
  302: ', and redirects are not followed: name the address that it goes to',
  307: ', and redirects are not followed: name the address that it goes to',
  308: ', and redirects are not followed: name the address that it goes to',
  401: ': it wants another user or password, which stand in its address (http://user:password@host)',
  403: ': the user may not do that',
};

/** It may say something else in a moment. */
function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE';
}

/**
 * A 404 is the registry's word on a schema only with one of its own codes (40401, ...): that of a proxy, or of a wrong path, would
 * make dead letters of good events.
 */
function faultCodeOf(method: RegistryAsk['method'], status: number, code: number): FaultCode | undefined {
  if (status === 404) return Math.floor(code / 100) === 404 ? 'SCHEMA_UNKNOWN' : undefined;
  if (method === 'GET') return undefined;
  if (status === 409) return 'SCHEMA_INCOMPATIBLE';
  if (status !== 422) return undefined;
  return code === 42205 || code === 42206 ? 'SCHEMA_CHANGE_REFUSED' : 'SCHEMA_INVALID';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // whoever asks says what that means
  }
}
