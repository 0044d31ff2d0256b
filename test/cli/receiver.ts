/** A small receiver of packages, and of requests without a body, that answers as it is told: what `tributary send` is tested against. */
import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Received {
  /** With its query string. */
  readonly path: string;
  readonly key: string;
  readonly contentType: string | undefined;
  readonly authorization: string | undefined;
  /** Of the JSON array; none where there is no body. */
  readonly events: readonly unknown[];
  readonly text: string;
  /** Since the receiver began. */
  readonly atMs: number;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  /** Every request, in the order of arrival. */
  readonly requests: readonly Received[];
  /** By idempotency key: what was answered 200. */
  readonly acknowledged: ReadonlyMap<string, Received>;
  readonly mostAtOnce: () => number;
}

/** Answers, or destroys the connection; `undefined`: 200 with all accepted. */
export type Answering = (
  received: Received,
  nth: number,
  response: ServerResponse,
) => Promise<'handled' | undefined> | 'handled' | undefined;

export async function startReceiver(
  t: TestContext,
  answering: Answering = () => undefined,
  onPort = 0,
): Promise<Receiver> {
  const requests: Received[] = [];
  const acknowledged = new Map<string, Received>();
  const beganMs = performance.now();
  let atOnce = 0;
  let mostAtOnce = 0;
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    response.once('close', () => atOnce--);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const received: Received = {
      path: String(request.url),
      key: String(request.headers['idempotency-key']),
      contentType: request.headers['content-type'],
      authorization: request.headers.authorization,
      events: text === '' ? [] : (JSON.parse(text) as unknown[]),
      text,
      atMs: performance.now() - beganMs,
    };
    requests.push(received);
    if ((await answering(received, requests.length, response)) === 'handled') return;
    acknowledged.set(received.key, received);
    const answered = { packageId: 'x', accepted: received.events.length, rejected: 0, errors: [] };
    response.end(text === '' ? 'hooray' : JSON.stringify(answered));
  }
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(onPort, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/collect`, port, requests, acknowledged, mostAtOnce: () => mostAtOnce };
}

export function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): 'handled' {
  response.writeHead(status, headers).end(JSON.stringify({ message: `says ${status}` }));
  return 'handled';
}
