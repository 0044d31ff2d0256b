/** The connections of one life of a process to PostgreSQL: they can be cut all at once, as a crash cuts them. */
import type { PoolClient } from 'pg';
import { connectionPool, cutConnection, lend } from '../stores/warehouse/connection-pool.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';

export interface Connections {
  readonly warehouse: Warehouse;
  /** From now on none works any more, new ones among them. */
  cut(): void;
}

export function openConnections(url: string): Connections {
  const { pool, close } = connectionPool({ connectionString: url }, () => undefined);
  const clients = new Set<PoolClient>();
  let isCut = false;
  pool.on('connect', (client) => {
    clients.add(client);
    client.once('end', () => clients.delete(client));
    if (isCut) cutConnection(client);
  });
  return {
    // What a dead process has borrowed never comes back: closing would wait for it.
    warehouse: { pool, lend: () => lend(pool), url, close: async () => (isCut ? undefined : close()) },
    cut: () => {
      isCut = true;
      for (const client of clients) cutConnection(client);
    },
  };
}
