/** A file as one batch over HTTP, as a sender does it: streamed from the disk. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

const readBytes = 256 * 1024;

/** Answers the seconds until the answer was there. @throws Error where it is not 201 */
export async function sendBatch(url: string, file: string, idempotencyKey: string): Promise<number> {
  const startedMs = performance.now();
  const headers = { 'content-type': 'text/csv; header=absent', 'idempotency-key': idempotencyKey };
  const sent = request(url, { method: 'POST', headers });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  const piped = pipeline(createReadStream(file, { highWaterMark: readBytes }), sent);
  piped.catch(() => undefined); // a refusal may come before all is sent; where none comes, `answered` tells why
  const [answer] = await answered;
  const body = await text(answer);
  if (answer.statusCode !== 201) throw new Error(`the batch was answered with ${answer.statusCode}: ${body}`);
  return (performance.now() - startedMs) / 1000;
}
