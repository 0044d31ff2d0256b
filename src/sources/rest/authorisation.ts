/** The `Authorization` of requests. Secrets are read when a run begins, are kept in memory, and stand in no message. */
import { Fault } from '../../errors.ts';
import { isObject } from '../../event/json-object.ts';
import type { ClientCredentials, PullAuth, Variable } from '../../pipeline/pulls.ts';
import type { Answer, Request } from './exchange.ts';

/** The environment. */
export type Variables = (name: string) => string | undefined;

export interface Authorisation {
  /** @throws Fault, NoAnswer and Passing, as asking for a token does */
  header(): Promise<string | undefined>;
  /** That one was refused. True where there may be another one now. */
  renew(refused: string | undefined): boolean;
}

/** A token is not used in its last seconds: it could end on its way. */
const spareMs = 10_000;

/** @param ask one exchange @throws Fault CONFIG_INVALID where a variable is not set */
export function authorisationOf(
  auth: PullAuth | undefined,
  variables: Variables,
  ask: (request: Request) => Promise<Answer>,
): Authorisation {
  if (auth?.kind === 'client credentials') return clientCredentials(auth, variables, ask);
  const header = fixedHeader(auth, variables);
  return { header: async () => header, renew: () => false };
}

function fixedHeader(auth: Exclude<PullAuth, ClientCredentials> | undefined, variables: Variables): string | undefined {
  if (auth === undefined) return undefined;
  if (auth.kind === 'bearer') return `Bearer ${readVariable(auth.token, variables)}`;
  return basicHeader(readVariable(auth.user, variables), readVariable(auth.password, variables));
}

function clientCredentials(
  auth: ClientCredentials,
  variables: Variables,
  ask: (request: Request) => Promise<Answer>,
): Authorisation {
  const url = urlOf(auth.tokenUrl, variables);
  const id = readVariable(auth.clientId, variables);
  const secret = readVariable(auth.clientSecret, variables);
  // RFC 6749 section 2.3.1 has both encoded before they are joined.
  const authorization = basicHeader(encodeURIComponent(id), encodeURIComponent(secret));
  let token: { readonly header: string; readonly untilMs: number } | undefined;
  let asking: Promise<string> | undefined;
  const askForToken = async (): Promise<string> => {
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...(auth.scope && { scope: auth.scope }) });
    const askedMs = performance.now();
    const { text, lifeMs } = tokenIn(await ask({ url, headers: { authorization }, form }), url);
    token = { header: `Bearer ${text}`, untilMs: askedMs + Math.max(lifeMs - spareMs, lifeMs / 2) };
    return token.header;
  };
  return {
    header: async () => {
      if (token !== undefined && performance.now() < token.untilMs) return token.header;
      asking ??= askForToken().finally(() => (asking = undefined)); // one for all who wait for it
      return asking;
    },
    renew: (refused) => {
      if (token?.header === refused) token = undefined; // else another request has renewed it
      return true;
    },
  };
}

/** What the answer says beside the token could repeat the secret: it is not told. */
function tokenIn({ status, body }: Answer, url: URL): { readonly text: string; readonly lifeMs: number } {
  const where = `the token endpoint ${url.origin}${url.pathname}`;
  if (status !== 200) throw new Fault('PULL_REFUSED', `${where} answered ${status}`);
  const said = parsed(body);
  const { access_token: text, expires_in: life } = isObject(said) ? said : {};
  if (typeof text !== 'string' || !/^[!-~]+$/.test(text))
    throw new Fault('PULL_REFUSED', `${where} answered without an access_token`);
  const lifeMs = typeof life === 'number' || typeof life === 'string' ? Number(life) * 1_000 : Infinity;
  return { text, lifeMs: Number.isFinite(lifeMs) ? lifeMs : Infinity };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // who asked says that there is no token
  }
}

function basicHeader(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** @throws Fault CONFIG_INVALID */
export function readVariable({ variable, otherwise }: Variable, variables: Variables): string {
  const value = variables(variable) || otherwise;
  if (value !== undefined) return value;
  throw new Fault('CONFIG_INVALID', `the variable ${variable} is not set`);
}

/** @throws Fault CONFIG_INVALID where it is no URL of HTTP, or holds a password, which would be shown with it */
export function urlOf(text: string | Variable, variables: Variables): URL {
  const url = URL.parse(typeof text === 'string' ? text : readVariable(text, variables));
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (isPlain) return url;
  const where = typeof text === 'string' ? 'the address of a pull' : `the variable ${text.variable}`;
  throw new Fault('CONFIG_INVALID', `${where}: expected a URL such as https://host/api/, without user and password`);
}
