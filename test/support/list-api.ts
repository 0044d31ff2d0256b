/** An API of one list, in the test's hands: each request is answered by a function of it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Listed {
  readonly id: string;
  /** Another one with each change. */
  readonly version: number;
}

export interface Asked {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** How many requests came before. */
  readonly index: number;
}

export interface ListApi {
  readonly url: string;
  readonly requests: readonly { readonly url: URL; readonly authorization: string | undefined }[];
}

export function sendJson({ response }: Asked, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function sendStatus({ response }: Asked, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, headers);
  response.end('{}');
}

/** Ends with the test. */
export async function listApi(
  t: Pick<TestContext, 'after'>,
  answer: (asked: Asked) => void | Promise<void>,
): Promise<ListApi> {
  const requests: { url: URL; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    requests.push({ url, authorization: request.headers.authorization });
    void answer({ url, request, response, index: requests.length - 1 });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

/** `?offset=&limit=` as most APIs have it. */
export function offsetPage({ searchParams }: URL, list: readonly Listed[]) {
  const offset = Number(searchParams.get('offset'));
  const limit = Number(searchParams.get('limit'));
  const items = list.slice(offset, offset + limit);
  const has_more = offset + limit < list.length;
  return { count: items.length, has_more, next_offset: has_more ? offset + limit : -1, total: list.length, items };
}
