/** Requests over plain node:http, which hands on an answer that comes before the body is sent, as curl does. */
import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly agent?: Agent;
}

/** Rejects where the connection ends without an answer. */
export function httpRequest(url: string, { method, headers = {}, body, agent }: RequestOptions = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const sent = request(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, agent });
    sent.on('response', (response: IncomingMessage) => {
      answered = true;
      text(response).then(
        (content) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: content }),
        reject,
      );
    });
    // The server may close while the rest of a body that it has refused is still being sent.
    sent.on('error', (error) => (answered ? undefined : reject(error)));
    sent.end(body);
  });
}

/** What the contract promises for a package that is durable. */
export interface PackageAnswer {
  readonly packageId: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly {
    readonly index: number;
    readonly correlationId: string;
    readonly path: string;
    readonly message: string;
  }[];
}

export function collect(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  return httpRequest(`${url}/collect`, { body, headers: { 'content-type': 'application/json', ...headers } });
}

/** The answer to a package that must be taken. */
export async function taken(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<PackageAnswer> {
  const { status, text: answer } = await collect(url, body, headers);
  if (status !== 200) throw new Error(`expected 200, got ${status}: ${answer}`);
  return JSON.parse(answer) as PackageAnswer;
}
