import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutsideRegistry } from '../../src/schemas/outside-registry.ts';
import { openRemoteRegistry } from '../../src/schemas/remote-registry.ts';
import { startRegistryServer } from '../support/registry-server.ts';
import { embeddedRegistryContract } from '../contracts/embedded-registry.ts';
import { reachableContract } from '../contracts/reachable-registry.ts';
import { type OpenRegistry, registryContract } from '../contracts/registry.ts';

async function open(): Promise<OpenRegistry> {
  const server = await startRegistryServer();
  const dir = await mkdtemp(join(tmpdir(), 'tributary-known-'));
  let opened = 0;
  const restart = () =>
    openOutsideRegistry({ address: server.url, dir: join(dir, String((opened += 1))), isReadOnly: false });
  const registry = await restart();
  return {
    registry,
    restart,
    close: async () => {
      await registry.close();
      await server.close();
      await rm(dir, { recursive: true });
    },
  };
}

reachableContract('the embedded one, over HTTP', async () => {
  const server = await startRegistryServer();
  const registry = openRemoteRegistry({ address: server.url });
  return {
    registry,
    close: async () => {
      await registry.close();
      await server.close();
    },
  };
});

registryContract('the embedded one, over HTTP', open);
embeddedRegistryContract('over HTTP', open);
