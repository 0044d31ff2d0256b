/** Stands between the nodes and a server, and cuts connections in the middle of what they carry, or lets nothing through. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class CuttingProxy {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** Of the next connection that carries anything: how many bytes it may still carry in either direction. */
  #bytesLeft: (() => number) | undefined;
  #stalled: (() => void)[] | undefined;
  cuts = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param port of the server, on 127.0.0.1 */
  static async to(port: number): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: true }); // answers come after the end of what was asked
    const proxy = new CuttingProxy(server);
    server.on('connection', (client) => proxy.#join(client, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on every connection is cut after so many more bytes as `bytesLeft` says; undefined: none. */
  cut(bytesLeft: (() => number) | undefined): void {
    this.#bytesLeft = bytesLeft;
  }

  /** From now on nothing goes through, in either direction, and connections stay as they are. */
  stall(): void {
    this.#stalled ??= [];
  }

  /** What was held back goes through. */
  goOn(): void {
    const held = this.#stalled ?? [];
    this.#stalled = undefined;
    for (const send of held) send();
  }

  #join(client: Socket, port: number): void {
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket
        .on('error', end)
        .on('close', () => this.#open.delete(socket))
        .setNoDelay(true);
    }
    const limit: Limit = { bytes: undefined };
    this.#relay(client, server, limit, end);
    this.#relay(server, client, limit, end);
  }

  #relay(from: Socket, to: Socket, limit: Limit, end: () => void): void {
    const pass = (bytes: Buffer): void => {
      if (this.#stalled) {
        from.pause();
        this.#stalled.push(() => {
          pass(bytes);
          from.resume();
        });
        return;
      }
      if (!this.#bytesLeft) limit.bytes = undefined;
      else limit.bytes ??= this.#bytesLeft();
      if (limit.bytes !== undefined && bytes.length > limit.bytes) {
        this.cuts += 1;
        return void to.write(bytes.subarray(0, limit.bytes), end);
      }
      if (limit.bytes !== undefined) limit.bytes -= bytes.length;
      if (to.write(bytes)) return;
      from.pause();
      to.once('drain', () => from.resume());
    };
    from.on('data', pass).on('end', () => to.end());
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Of one connection, in both directions together. */
interface Limit {
  bytes: number | undefined;
}
