/**
 * What a request presents: a bearer token (RFC 6750), or a key in `X-API-Key`, as many producers send it. Where both are there,
 * the bearer token counts; `Authorization` of another scheme is somebody else's, such as a proxy's.
 */
import type { IncomingHttpHeaders } from 'node:http';

export function presentedSecret(headers: IncomingHttpHeaders): string | undefined {
  return bearerToken(headers.authorization) ?? apiKey(headers['x-api-key']);
}

/** The scheme's name is not case-sensitive; the token is any visible ASCII. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^bearer +([!-~]+) *$/i.exec(authorization)?.[1];
}

/** Node.js joins a header that comes twice with a comma, which no key holds. */
function apiKey(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined;
}
