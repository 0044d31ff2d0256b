/** The schema registry that a command means: by URL, or the files in the data directory, beside a running server or without one. */
import { existsSync } from 'node:fs';
import { dataPaths } from '../../engine/data-paths.ts';
import { Fault } from '../../errors.ts';
import type { ReachableRegistry } from '../../schemas/remote-registry.ts';
import { type ConfigOptions, configOf } from '../options.ts';

export interface RegistryOptions extends ConfigOptions {
  readonly url?: string;
}

/**
 * @param mayBeNew whether the files are made where there are none
 * @throws Fault SCHEMA_REGISTRY_MISSING
 */
export async function reachRegistry(options: RegistryOptions, mayBeNew: boolean): Promise<ReachableRegistry> {
  const address = options.url ?? configOf(options).schemaRegistryUrl;
  if (address !== undefined) {
    const { openRemoteRegistry } = await import('../../schemas/remote-registry.ts');
    return openRemoteRegistry({ address });
  }
  const { openFileRegistry } = await import('../../schemas/file-registry.ts');
  const { registry: dir } = dataPaths(configOf(options).dataDir);
  if (!mayBeNew && !existsSync(dir))
    throw new Fault('SCHEMA_REGISTRY_MISSING', `there is no schema registry in ${dir}`);
  return (await openFileRegistry({ dir })).administration;
}
