/** Requests of commands to the running server. What it refuses is told in its own words. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { catalogue, Fault, type FaultCode, reasonOf } from '../../errors.ts';
import { visible } from '../visible.ts';
import type { ReachedServer } from './reach-server.ts';

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** The answer as JSON. @throws Fault of the server's, SERVER_UNREACHABLE, SERVER_REFUSED */
export async function ask(server: ReachedServer, method: Method, path: string, body?: object): Promise<unknown> {
  const response = await send(server, method, path, body);
  return response.body.json().catch((error: unknown) => {
    throw new Fault('SERVER_REFUSED', `${server.url}${path} answered no JSON: ${reasonOf(error)}`);
  });
}

/** As `ask`, of what takes no time. @throws Fault SERVER_SILENT where it does */
export async function askWithin(ms: number, server: ReachedServer, method: Method, path: string): Promise<unknown> {
  const ending = new AbortController();
  const tooLate = sleep(ms, undefined, { signal: ending.signal, ref: false }).then(() => {
    throw new Fault('SERVER_SILENT', `${server.url} has not answered within ${ms / 1000} s`);
  });
  tooLate.catch(() => undefined); // it lost the race
  try {
    return await Promise.race([ask(server, method, path), tooLate]);
  } finally {
    ending.abort();
    void server.agent.destroy();
  }
}

/** The answer's lines, each an object, as they come; the last is the summary. @throws Fault as `ask`, also half-way */
export async function* askForLines(
  server: ReachedServer,
  path: string,
  body: object,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const response = await send(server, 'POST', path, body);
  const url = server.url + path;
  let ended = false;
  try {
    for await (const line of createInterface({ input: response.body, crlfDelay: Infinity })) {
      const value = JSON.parse(line) as Readonly<Record<string, unknown>>;
      if (typeof value['error'] === 'string') throw faultOf(url, value);
      ended ||= 'summary' in value;
      yield value;
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw brokenOff(url, error);
  }
  if (!ended) throw brokenOff(url);
}

function brokenOff(url: string, error?: unknown): Fault {
  const why = error === undefined ? '' : ` (${reasonOf(error)})`;
  return new Fault(
    'SERVER_REFUSED',
    `${new URL(url).origin} went away half-way${why}; what was told of before is done`,
  );
}

async function send({ url: base, headers, agent }: ReachedServer, method: Method, path: string, body?: object) {
  const url = base + path;
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await request(url, {
    dispatcher: agent,
    method,
    headers: { ...headers, ...type },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Fault('SERVER_UNREACHABLE', `no Tributary answers at ${new URL(url).origin}: ${reasonOf(error)}`);
  });
  if (response.statusCode === 200) return response;
  const said = await response.body.json().catch(() => ({}));
  throw faultOf(url, said as Readonly<Record<string, unknown>>, response.statusCode);
}

/** Said by another server, or another version of ours: what to do about them is nothing that who runs a command can do. */
const aboutPaths: ReadonlySet<string> = new Set(['NOT_FOUND', 'METHOD_NOT_ALLOWED'] satisfies FaultCode[]);

/** With the server's own code where it is one that we know. */
export function faultOf(url: string, said: Readonly<Record<string, unknown>>, status?: number): Fault {
  const { error, message } = said;
  const isOurs = typeof error === 'string' && Object.hasOwn(catalogue, error) && !aboutPaths.has(error);
  if (isOurs && typeof message === 'string') return new Fault(error as FaultCode, visible(message));
  const words = typeof message === 'string' ? `: ${visible(message).slice(0, 500)}` : '';
  return new Fault('SERVER_REFUSED', `${url} answered ${status ?? 'half-way'}${words}`);
}
