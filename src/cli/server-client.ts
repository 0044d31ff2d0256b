/**
 * How commands talk to the server that runs on the data directory: where it is, the admin token, the access key, and which
 * certificate to trust. Secrets come from the environment and the configuration, never from the command line, which `ps` shows.
 */
import { readFileSync } from 'node:fs';
import { type PeerCertificate, checkServerIdentity, rootCertificates } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'undici';
import { splitAdminTokens } from '../access/admin-token-text.ts';
import { readTokenFile } from '../access/admin-tokens.ts';
import { findServer, reachableHost } from '../api/running-server.ts';
import type { Config } from '../config/config.ts';
import { Fault } from '../errors.ts';
import { visible } from './visible.ts';

const requestTimeoutMs = 30_000;

/** Where the configured host and port are reached from this machine. */
export function configuredUrl({ host, port, tls }: Config): string {
  const reached = reachableHost(host);
  return `${tls ? 'https' : 'http'}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

/** For requests to sources. */
export function keyHeaders({ accessKey }: Config): Readonly<Record<string, string>> {
  return accessKey === undefined ? {} : { authorization: `Bearer ${accessKey}` };
}

export interface OwnServerTls {
  readonly ca?: string[];
  readonly allowPartialTrustChain?: true;
  readonly checkServerIdentity?: (host: string, shown: PeerCertificate) => Error | undefined;
}

/**
 * For connections to the server of this configuration: its own certificate is trusted whatever name it is for, beside those that
 * Node.js trusts (NODE_EXTRA_CA_CERTS adds to them).
 */
export function ownServerTls({ tls }: Config): OwnServerTls {
  if (tls === undefined) return {};
  const own = readCertificate(tls.certFile);
  return {
    ca: [...rootCertificates, own.toString()],
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, shown: PeerCertificate) =>
      own.raw.equals(shown.raw) ? undefined : checkServerIdentity(host, shown),
  };
}

export interface AdminRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: unknown;
}

/**
 * Asks the server that runs on the data directory.
 * @throws Fault SERVER_UNREACHABLE, ADMIN_TOKEN_REQUIRED, SERVER_REFUSED
 */
export async function askServer<T>(config: Config, { method, path, body }: AdminRequest): Promise<T> {
  const { dataPaths } = await import('../engine/engine.ts'); // with all that opens databases: `send` needs none of it
  const url = await findServer(dataPaths(config.dataDir).server);
  if (url === undefined) throw nobodyServes(config.dataDir);
  const token = await adminToken(config);
  const dispatcher = new Agent({ connect: { timeout: 5_000, ...ownServerTls(config) } });
  try {
    const headers = {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const timeouts = { headersTimeout: requestTimeoutMs, bodyTimeout: requestTimeoutMs };
    const options = { method, headers, body: JSON.stringify(body), dispatcher, ...timeouts };
    const response = await request(`${url}${path}`, options).catch((error: unknown) => {
      throw new Fault('SERVER_UNREACHABLE', `${url} does not answer: ${reasonOf(error)}`, { cause: error });
    });
    const text = await response.body.text();
    if (response.statusCode === 200) return JSON.parse(text) as T;
    throw refusal(`${url}${path}`, response.statusCode, text);
  } finally {
    await dispatcher.destroy();
  }
}

/** The configured port is not tried instead: the token would go to whatever listens there. */
function nobodyServes(dataDir: string): Fault {
  return new Fault('SERVER_UNREACHABLE', `another process writes ${dataDir}, and it has not said that it serves`);
}

/** The first of those that the server takes. */
async function adminToken({ adminToken: tokens, adminTokenFile }: Config): Promise<string | undefined> {
  if (tokens !== undefined) return splitAdminTokens(tokens)[0];
  return adminTokenFile === undefined ? undefined : (await readTokenFile(adminTokenFile))[0];
}

function refusal(url: string, status: number, text: string): Fault {
  const said = visible(messageOf(text)).slice(0, 500);
  const code = status === 401 || status === 403 ? 'ADMIN_TOKEN_REQUIRED' : 'SERVER_REFUSED';
  return code === 'SERVER_REFUSED'
    ? new Fault('SERVER_REFUSED', `${url} answered ${status}: ${said}`)
    : new Fault('ADMIN_TOKEN_REQUIRED', `${url} answered ${status}: ${said}`);
}

function messageOf(text: string): string {
  try {
    const { message } = Object(JSON.parse(text)) as { message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text;
  }
}

/** An AggregateError (each address of a host refused) has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

function readCertificate(file: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(file));
  } catch (error) {
    throw new Fault('TLS_INVALID', `tls.certFile: ${file} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
