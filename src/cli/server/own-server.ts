/**
 * What commands know of the server of their configuration: where it is, the access key, the admin token, and which
 * certificate to trust. Secrets come from the environment and the configuration, never from the command line, which `ps` shows.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type PeerCertificate, checkServerIdentity, rootCertificates } from 'node:tls';
import { splitAdminTokens } from '../../access/admin-token-text.ts';
import { readTokenFile } from '../../access/admin-tokens.ts';
import { reachableHost } from '../../api/running-server.ts';
import type { Config } from '../../config/config.ts';
import { Fault } from '../../errors.ts';

/** Where the configured host and port are reached from this machine. @throws Fault SERVER_UNREACHABLE */
export function configuredUrl({ host, port, tls, env }: Config): string {
  if (env !== undefined && port === 0)
    throw new Fault('SERVER_UNREACHABLE', `the environment ${env} has no port yet: it was never started`);
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

/** The first of those that the server takes. */
export async function firstAdminToken({ adminToken: tokens, adminTokenFile }: Config): Promise<string | undefined> {
  if (tokens !== undefined) return splitAdminTokens(tokens)[0];
  return adminTokenFile === undefined ? undefined : (await readTokenFile(adminTokenFile))[0];
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
