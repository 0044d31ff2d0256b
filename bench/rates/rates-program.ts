/** The whole program with the tables of rates: ports and regions of the sample, and no prices. */
import { join } from 'node:path';
import { dataPaths } from '../../src/engine/data-paths.ts';
import { loadApps } from '../../src/engine/load-apps.ts';
import { loadDataset } from '../../src/dataset/load-dataset.ts';
import { sampleBlocks } from '../../src/dataset/sample-blocks.ts';
import type { App } from '../../src/pipeline/app.ts';
import { readLockFile } from '../../src/stores/warehouse/embedded/lock-file.ts';
import { attachEmbeddedWarehouse } from '../../src/stores/warehouse/embedded-warehouse.ts';
import type { Warehouse } from '../../src/stores/warehouse/warehouse.ts';
import { benchConfig } from '../parts.ts';
import { type BenchProgram, startProgram } from '../program.ts';

export interface RatesProgram {
  readonly app: App;
  readonly program: BenchProgram;
  readonly warehouse: Warehouse;
  readonly ports: readonly string[];
  /** The server, whose sessions are its children. */
  readonly postgresPid: number;
  stop(): Promise<void>;
}

export async function startRates(system: string, dir: string): Promise<RatesProgram> {
  const dataDir = join(dir, 'data');
  const [app] = await loadApps(benchConfig(system, dataDir));
  if (!app?.dataset) throw new Error(`${system} has no tables`);
  const program = await startProgram(system, dataDir);
  try {
    await program.warehouseIsUp();
    const warehouse = await attachEmbeddedWarehouse({ dir: dataPaths(dataDir).postgres });
    const ports = await fill(warehouse, app.dataset);
    const postgresPid = (await readLockFile(dataPaths(dataDir).postgres))?.pid ?? 0;
    return {
      app,
      program,
      warehouse,
      ports,
      postgresPid,
      stop: async () => {
        await warehouse.close();
        await program.kill();
      },
    };
  } catch (error) {
    await program.kill();
    throw error;
  }
}

async function fill({ pool }: Warehouse, dataset: NonNullable<App['dataset']>): Promise<readonly string[]> {
  const client = await pool.connect();
  try {
    await loadDataset(client, { dataset, blocks: sampleBlocks(dataset, { rows: 0, seed: 1 }), replace: false });
    const { rows } = await client.query<{ code: string }>('SELECT code FROM ports ORDER BY code');
    return rows.map(({ code }) => code);
  } finally {
    client.release();
  }
}
