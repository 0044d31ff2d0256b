/** The schema registry's routes on a server and a directory of their own. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { mountRegistry } from '../../src/api/registry/registry-routes.ts';
import { createServer } from '../../src/api/server.ts';
import { openFileRegistry } from '../../src/schemas/file-registry.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { httpRequest } from './http-request.ts';

export interface RegistryAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: unknown;
}

export interface RegistryServer {
  readonly dir: string;
  readonly url: string;
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<RegistryAnswer>;
  close(): Promise<void>;
}

export async function startRegistryServer(logger = createLogger({ level: 'silent' })): Promise<RegistryServer> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-registry-api-'));
  const { administration: registry } = await openFileRegistry({ dir: join(dir, 'registry') });
  const server = createServer({ logger, metrics: new Registry(), health: async () => ({ ready: true, parts: {} }) });
  mountRegistry(server, { registry, logger });
  await server.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/registry`;
  return {
    dir,
    url,
    ask: (method, path, body, headers) => ask(`${url}${path}`, method, body, headers),
    close: async () => {
      await server.close();
      await rm(dir, { recursive: true });
    },
  };
}

const registryType = 'application/vnd.schemaregistry.v1+json';

/** A body that is a string is sent as it is. */
async function ask(
  url: string,
  method: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<RegistryAnswer> {
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const reply = await httpRequest(url, {
    method,
    body: sent,
    headers: { ...(sent !== undefined && { 'content-type': registryType }), ...headers },
  });
  return { status: reply.status, type: reply.headers['content-type'] ?? '', body: JSON.parse(reply.text) as unknown };
}
