/** The schema registry that a command means: by URL, or the files in the data directory, beside a running server or without one. */
import { existsSync } from 'node:fs';
import { type Config, loadConfig } from '../../config/config.ts';
import { Fault } from '../../errors.ts';
import type { ReachableRegistry } from '../../schemas/remote-registry.ts';
import { checkDataDir, type ConfigOptions } from '../options.ts';

export interface RegistryOptions extends ConfigOptions {
  readonly url?: string;
}

/** The registry's address is this command's own setting, whatever the engine makes of it. */
export function registryConfigOf(options: RegistryOptions): Config {
  const env = { ...process.env, SCHEMA_REGISTRY_URL: undefined };
  const config = loadConfig({ file: options.config, env, flags: options });
  checkDataDir(config.dataDir);
  return config;
}

/**
 * @param mayBeNew whether the files are made where there are none
 * @throws Fault SCHEMA_REGISTRY_MISSING
 */
export async function reachRegistry(options: RegistryOptions, mayBeNew: boolean): Promise<ReachableRegistry> {
  const address = options.url ?? process.env['SCHEMA_REGISTRY_URL'] ?? '';
  if (address !== '') {
    const { openRemoteRegistry } = await import('../../schemas/remote-registry.ts');
    return openRemoteRegistry(address);
  }
  const [{ dataPaths }, { openFileRegistry }] = await Promise.all([
    import('../../engine/engine.ts'),
    import('../../schemas/file-registry.ts'),
  ]);
  const { registry: dir } = dataPaths(registryConfigOf(options).dataDir);
  if (!mayBeNew && !existsSync(dir))
    throw new Fault('SCHEMA_REGISTRY_MISSING', `there is no schema registry in ${dir}`);
  return (await openFileRegistry({ dir })).administration;
}
