import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openOutsideRegistry } from '../../src/schemas/outside-registry.ts';
import { openRemoteRegistry } from '../../src/schemas/remote-registry.ts';
import { reachableContract } from '../contracts/reachable-registry.ts';
import { registryContract } from '../contracts/registry.ts';
import { ownPrefix, sharedRegistry } from '../support/registry-service.ts';

registryContract('Apicurio', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-known-'));
  let opened = 0;
  const open = () =>
    openOutsideRegistry({ address: sharedRegistry, dir: join(dir, String((opened += 1))), isReadOnly: false });
  const registry = await open();
  return {
    registry,
    prefix: ownPrefix(),
    restart: open,
    close: async () => {
      await registry.close();
      await rm(dir, { recursive: true });
    },
  };
});

reachableContract('Apicurio', async () => {
  const registry = openRemoteRegistry({ address: sharedRegistry });
  return { registry, prefix: ownPrefix(), close: () => registry.close() };
});
