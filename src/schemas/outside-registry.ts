/** A registry elsewhere as an engine's, with what the data directory knows of it. */
import { CachedRegistry, type OutsideRegistry, type RegistryObserver } from './cached-registry.ts';
import { KeptSchemas } from './kept-schemas.ts';
import { openRemoteRegistry } from './remote-registry.ts';

export interface OutsideRegistryOptions {
  /** May hold a user and a password. */
  readonly address: string;
  /** Of what is known of registries, this one and others. */
  readonly dir: string;
  /** Nothing is written there. */
  readonly isReadOnly: boolean;
  readonly observer?: RegistryObserver | undefined;
  /** Of a read; default 4 s, less than the 5 s after which producers give up. */
  readonly timeoutMs?: number;
  /** In milliseconds. Default: since the process began. */
  readonly now?: () => number;
}

const defaultTimeoutMs = 4_000;
const nobody: RegistryObserver = {
  unreachable: () => undefined,
  reachable: () => undefined,
  distrusted: () => undefined,
  notKept: () => undefined,
};

/** Asks nothing yet. @throws Fault USAGE where the address is none */
export async function openOutsideRegistry(options: OutsideRegistryOptions): Promise<OutsideRegistry> {
  const { address, dir, isReadOnly, observer = nobody, timeoutMs = defaultTimeoutMs, now } = options;
  const remote = openRemoteRegistry({ address, timeoutMs });
  const kept = await KeptSchemas.open({ dir, address: remote.address, isReadOnly });
  return new CachedRegistry({ remote, kept, timeoutMs, observer, ...(now && { now }) });
}
