/**
 * The JSON body of a request to the admin API, checked against what the route takes. Read here, since the server leaves bodies
 * unread. It has to say that it is JSON, which no page of another origin may send unasked.
 */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Fault } from '../errors.ts';
import { decodedBody } from '../ingest/body.ts';

const maxBytes = 1024 * 1024;

/** @throws Fault REQUEST_INVALID, with the place; CONTENT_TYPE_UNSUPPORTED; PACKAGE_TOO_LARGE above 1 MiB, and what else `decodedBody` throws */
export async function readJsonBody<T>(request: FastifyRequest, shape: z.ZodType<T>): Promise<T> {
  const chunks: Buffer[] = [];
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new Fault('CONTENT_TYPE_UNSUPPORTED', 'the Content-Type has to be application/json');
  const { 'content-encoding': encoding, 'content-length': announcedLength } = request.headers;
  for await (const chunk of decodedBody(request.raw, { encoding, announcedLength, maxBytes })) chunks.push(chunk);
  const parsed = shape.safeParse(parse(Buffer.concat(chunks).toString()));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('REQUEST_INVALID', `${issue?.path.join('.') || 'the body'}: ${issue?.message}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('REQUEST_INVALID', `the body is not JSON: ${(error as Error).message}`, { cause: error });
  }
}
