/** The warehouse as other processes than the server reach it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config/config.ts';
import { schemaIn } from '../../config/environment.ts';
import { dataPaths } from '../../engine/data-paths.ts';
import { isServed } from '../../engine/engine.ts';
import { Fault, isFault } from '../../errors.ts';
import { attachEmbeddedWarehouse, openEmbeddedWarehouse } from '../../stores/warehouse/embedded-warehouse.ts';
import { openServerWarehouse } from '../../stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';

/** A server starts its PostgreSQL again within some seconds. */
const patienceMs = 20_000;
const pollMs = 100;

/**
 * The embedded one that runs. Where none does, one of our own for as long as the query takes; but not beside a server whose
 * PostgreSQL is away for a moment: it could not start it again meanwhile, and would lose ours in the middle of a batch.
 * @param options `make`: where there is none yet, and no server that makes it, it is made; default: that is an error
 * @throws Fault WAREHOUSE_UNAVAILABLE
 */
export async function reachWarehouse(
  config: Config,
  { make = false }: { readonly make?: boolean } = {},
): Promise<Warehouse> {
  const { databaseUrl: url } = config;
  if (url !== undefined) return openServerWarehouse({ url, schema: schemaIn(url) });
  const dir = dataPaths(config.dataDir).postgres;
  if (!make && !existsSync(join(dir, 'PG_VERSION')))
    throw new Fault(
      'WAREHOUSE_UNAVAILABLE',
      `there is no warehouse in ${config.dataDir} yet: tributary start makes it`,
    );
  for (const untilMs = performance.now() + patienceMs; ; await sleep(pollMs)) {
    try {
      return await attachEmbeddedWarehouse({ dir });
    } catch (error) {
      if (!isFault(error, 'WAREHOUSE_UNAVAILABLE')) throw error;
      if (!(await isServed(config.dataDir))) return openEmbeddedWarehouse({ dir, log: () => undefined });
      if (performance.now() > untilMs) throw error;
    }
  }
}

/** @throws Fault WAREHOUSE_UNAVAILABLE where no embedded one runs */
export async function warehouseUrl(config: Config): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const warehouse = await attachEmbeddedWarehouse({ dir: dataPaths(config.dataDir).postgres });
  await warehouse.close();
  return warehouse.url;
}
