/** The warehouse as other processes than the server reach it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { dataPaths } from '../../engine/engine.ts';
import { Fault, isFault } from '../../errors.ts';
import { attachEmbeddedWarehouse, openEmbeddedWarehouse } from '../../stores/warehouse/embedded-warehouse.ts';
import { openServerWarehouse } from '../../stores/warehouse/server-warehouse.ts';
import type { Warehouse } from '../../stores/warehouse/warehouse.ts';

/** The embedded one that runs; where none does, one of our own for as long as the query takes. */
export async function reachWarehouse(config: Config): Promise<Warehouse> {
  if (config.databaseUrl !== undefined) return openServerWarehouse({ url: config.databaseUrl });
  const dir = dataPaths(config.dataDir).postgres;
  if (!existsSync(join(dir, 'PG_VERSION')))
    throw new Fault(
      'WAREHOUSE_UNAVAILABLE',
      `there is no warehouse in ${config.dataDir} yet: tributary start makes it`,
    );
  try {
    return await attachEmbeddedWarehouse({ dir });
  } catch (error) {
    if (!isFault(error, 'WAREHOUSE_UNAVAILABLE')) throw error;
    return openEmbeddedWarehouse({ dir, log: () => undefined });
  }
}

/** @throws Fault WAREHOUSE_UNAVAILABLE where no embedded one runs */
export async function warehouseUrl(config: Config): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl;
  const warehouse = await attachEmbeddedWarehouse({ dir: dataPaths(config.dataDir).postgres });
  await warehouse.close();
  return warehouse.url;
}
