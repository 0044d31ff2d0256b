/** Ports for servers that are killed and started again: below those that systems give to outgoing connections, which could take one meanwhile. */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

const from = 10_000;
/** Linux's `ip_local_port_range` begins there. */
const to = 32_768;

/** On 127.0.0.1; nobody listens on them now. They differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(from, to);
    const server = await listen(port);
    if (!server) continue;
    held.push(server);
    ports.push(port);
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0] as number;
}

/** Undefined where the port is taken. */
async function listen(port: number): Promise<Server | undefined> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<Server | undefined>();
  server.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
    else reject(error);
  });
  server.listen(port, '127.0.0.1', () => resolve(server));
  return promise;
}
