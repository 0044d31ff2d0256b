/** A producer that asks before it sends a body, as `Expect: 100-continue` has it. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface Asked {
  /** Whether the server wanted the body. */
  readonly continued: boolean;
  readonly status: number;
  readonly text: string;
  /** Whether the server keeps the connection. */
  readonly isKept: boolean;
}

export function askFirst(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
  announcedBytes = Buffer.byteLength(body),
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const sent = request(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...headers,
        expect: '100-continue',
        'content-length': announcedBytes,
      },
    });
    sent.on('continue', () => {
      continued = true;
      sent.end(body);
    });
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      const isKept = answered.connection !== 'close';
      text(response).then((all) => resolve({ continued, status, text: all, isKept }), reject);
      response.on('end', () => sent.destroy());
    });
    sent.on('error', reject);
    sent.flushHeaders();
  });
}
