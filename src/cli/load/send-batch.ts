/**
 * One request with a batch, and what came of it. The server is asked before a byte is sent (`Expect: 100-continue`), so that what it
 * refuses anyway stays here. Memory holds what the connection has not taken yet. A request that is given up has no end, and the server
 * takes nothing of it.
 */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { Fault, reasonOf } from '../../errors.ts';
import type { OwnServerTls } from '../server/own-server.ts';
import type { BatchFile } from './batch-file.ts';

export interface BatchTarget {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: OwnServerTls;
}

export interface Sending {
  readonly file: BatchFile;
  readonly signal: AbortSignal;
  /** A part was handed to the connection. */
  readonly onBytes: (bytes: number) => void;
}

export interface BatchAnswer {
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** Of its JSON; empty where it is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** There was no answer. */
export interface NoAnswer {
  readonly status: 0;
  readonly reason: string;
  /** Something was sent, or might have been. */
  readonly hasBegun: boolean;
}

/** Servers and proxies that know nothing of `Expect` say nothing. */
const continueWithinMs = 2_000;
const connectWithinMs = 5_000;
const keepAliveAfterMs = 10_000;

/** @throws Fault USAGE where the file cannot be read, and the signal's reason */
export async function sendBatch(target: BatchTarget, sending: Sending): Promise<BatchAnswer | NoAnswer> {
  const { signal } = sending;
  signal.throwIfAborted();
  const over = new AbortController();
  const { request, wanted } = ask(target, over.signal);
  const giveUp = (): void => void request.destroy();
  signal.addEventListener('abort', giveUp);
  let hasBegun = false;
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  const sent = wanted.then(() => {
    hasBegun = true;
    return sendBody(request, sending, over.signal);
  });
  try {
    // The second is for a file that cannot be read: what was sent waits for its answer.
    const [response] = await Promise.race([answered, sent.then(() => answered)]);
    over.abort();
    return await answerOf(response);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Fault) throw error;
    return { status: 0, reason: `${target.url.origin} did not answer: ${reasonOf(error)}`, hasBegun };
  } finally {
    signal.removeEventListener('abort', giveUp);
    over.abort();
    request.destroy();
  }
}

/** `wanted` resolves when the body is to be sent, which may be never. */
function ask({ url, headers, tls }: BatchTarget, over: AbortSignal) {
  const isTls = url.protocol === 'https:';
  const withExpect = { ...headers, expect: '100-continue' };
  const options = { method: 'POST', headers: withExpect, agent: false, ...tls } as const;
  const request = isTls ? httpsRequest(url, options) : httpRequest(url, options);
  request.on('error', () => undefined); // who waits for the answer is told
  request.setSocketKeepAlive(true, keepAliveAfterMs);
  const wanted = new Promise<void>((resolve) => {
    request.once('continue', resolve);
    let timer = setTimeout(() => {
      request.destroy(new Error(`no connection within ${connectWithinMs / 1000} s`));
    }, connectWithinMs);
    request.once('socket', (socket) =>
      socket.once(isTls ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        timer = setTimeout(resolve, continueWithinMs);
      }),
    );
    over.addEventListener('abort', () => clearTimeout(timer));
  });
  request.flushHeaders();
  return { request, wanted };
}

async function sendBody(request: ClientRequest, { file, onBytes }: Sending, over: AbortSignal): Promise<void> {
  if (over.aborted) return;
  const source = file.open();
  over.addEventListener('abort', () => source.destroy());
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      const isTaken = request.write(chunk);
      onBytes(chunk.length);
      if (!isTaken) await once(request, 'drain', { signal: over });
    }
  } catch (error) {
    if (over.aborted || request.destroyed) return;
    request.destroy();
    throw new Fault('USAGE', `${file.name} cannot be read to its end: ${reasonOf(error)}`, { cause: error });
  }
  if (!over.aborted) request.end();
}

async function answerOf(response: IncomingMessage): Promise<BatchAnswer> {
  const said = await text(response);
  const after = response.headers['retry-after'];
  return {
    status: response.statusCode ?? 0,
    retryAfterMs: after !== undefined && /^\d+$/.test(after) ? Number(after) * 1000 : undefined,
    body: parsed(said),
  };
}

function parsed(said: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(said);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
