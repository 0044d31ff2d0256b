/** What a request to a source says of its body. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Fault } from '../../errors.ts';

/**
 * Fastify answers 415 to a Content-Type that is no media type (`json`); to a source it only means that it does not say what the body is.
 * A hook for `onRequest`.
 */
export function forgiveContentType({ raw: { headers } }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  const type = headers['content-type'];
  if (type !== undefined && !mediaType.test(type)) headers['content-type'] = 'application/octet-stream';
  done();
}

const mediaType = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** In lower case, without its parameters; empty where there is none. @throws Fault CONTENT_TYPE_UNSUPPORTED for another charset than UTF-8 */
export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (charset !== undefined && !['utf-8', 'utf8', 'us-ascii'].includes(charset)) {
    throw new Fault('CONTENT_TYPE_UNSUPPORTED', `the charset ${JSON.stringify(charset)} is not supported`);
  }
  return (contentType.split(';', 1)[0] as string).trim().toLowerCase();
}
