/**
 * Access at the HTTP server: each route says in its config who may use it, and one that says nothing is for admins. Refused
 * before the body is read. A path without a route is not guarded: there is nothing behind it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access, Grant } from '../access/access.ts';
import { isFromHere } from '../access/loopback.ts';
import { Fault, isFault } from '../errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `everybody`; `source`: those with a key; default: those with the admin token. */
    access?: 'everybody' | 'source';
  }
  interface FastifyRequest {
    /** On routes of sources, where the server is guarded. */
    grant?: Grant | undefined;
    /** For an answer that goes on: whether its request would be let in now. Undefined where the server is not guarded. */
    isStillGood?(): boolean;
  }
}

/** As in RFC 6750: says that a credential is needed, or that the one presented is not good. */
const challenges: Readonly<Record<string, string>> = {
  KEY_REQUIRED: 'Bearer realm="tributary"',
  ADMIN_TOKEN_REQUIRED: 'Bearer realm="tributary"',
  KEY_REFUSED: 'Bearer realm="tributary", error="invalid_token"',
  FORBIDDEN: 'Bearer realm="tributary", error="insufficient_scope"',
};

export function guard(app: FastifyInstance, access: Access): void {
  app.decorateRequest('grant', undefined);
  app.decorateRequest('isStillGood', function isStillGood(this: FastifyRequest) {
    return access.isStillGood(this.headers, this.routeOptions.url ?? '');
  });
  app.addHook('onRequest', (request, reply, done) => {
    try {
      admit(request, reply, access);
    } catch (error) {
      const challenge = isFault(error) ? challenges[error.code] : undefined;
      if (challenge !== undefined) reply.header('www-authenticate', challenge);
      done(error as Error);
      return;
    }
    done();
  });
}

function admit(request: FastifyRequest, reply: FastifyReply, access: Access): void {
  const { config, url } = request.routeOptions;
  if (request.is404 || config.access === 'everybody') return;
  if (config.access !== 'source') return access.admin(request.headers);
  const grant = access.source(request.headers, url ?? '');
  if (reads(request) && grant.keyId === undefined && !isFromHere(request.headers))
    throw new Fault('FORBIDDEN', `without a key, ${url} answers only requests to localhost and from its own pages`);
  if (grant.waitMs > 0) {
    reply.header('retry-after', Math.ceil(grant.waitMs / 1000));
    throw new Fault('RATE_LIMITED', `the key ${grant.keyId} has come more often than it may`);
  }
  request.grant = grant;
}

/** Who sends an event to an open source gets nothing of anybody's back; a page of somebody else's must not read what apps answer. */
function reads({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD';
}
