/** Real schema registries: the one of `npm run services -- up registry`, which tests share, each with subjects of its own, and others of their own. */
import { randomBytes } from 'node:crypto';
import { registry, registryOf } from '../../src/services/registry.ts';
import { freePorts } from '../../src/services/free-ports.ts';
import { type OwnService, ownService } from './own-service.ts';

export const sharedRegistry = registry.address;

/** For subjects that are nobody else's. */
export function ownPrefix(): string {
  return `test-${randomBytes(6).toString('hex')}-`;
}

export interface OwnRegistry extends OwnService {
  readonly url: string;
}

export async function ownRegistry(): Promise<OwnRegistry> {
  const [port, managementPort] = await freePorts(2);
  const service = registryOf(port!, managementPort!);
  return { ...(await ownService(service)), url: service.address };
}
