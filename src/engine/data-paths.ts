/** Apart from the engine, so that who needs no more than a path loads nothing that stands behind it. */
import { join } from 'node:path';
import { environmentsDir, portFile } from '../config/environment.ts';

/** Where in the data directory each part lives. */
export function dataPaths(
  dataDir: string,
): Record<
  | 'log'
  | 'nodeId'
  | 'state'
  | 'registry'
  | 'knownSchemas'
  | 'objects'
  | 'postgres'
  | 'keys'
  | 'server'
  | 'environments'
  | 'port'
  | 'serverLog'
  | 'upLock'
  | 'models'
  | 'pulls'
  | 'compaction',
  string
> {
  const inside = (name: string): string => join(dataDir, name);
  return {
    log: inside('log'),
    nodeId: inside('node-id'),
    state: inside('state'),
    registry: inside('registry'),
    knownSchemas: inside('known-schemas'),
    objects: inside('objects'),
    postgres: inside('postgres'),
    keys: inside('keys'),
    server: inside('server.json'),
    environments: inside(environmentsDir),
    port: inside(portFile),
    serverLog: inside('server.log'),
    upLock: inside('up.lock'),
    models: inside('models'),
    pulls: inside('pulls'),
    compaction: inside('compaction'),
  };
}
