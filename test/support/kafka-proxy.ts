/** Stands between clients and a broker, and cuts them off at a request of a kind: before the broker has it, or when it has answered. */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** As in Kafka's protocol. */
export const apiKeys = { produce: 0, initProducerId: 22, addPartitionsToTxn: 24, endTxn: 26 } as const;

export interface Cut {
  readonly at: keyof typeof apiKeys;
  readonly when: 'before the broker has it' | 'when the broker has answered';
  /** So long nobody is let through afterwards. */
  readonly darkMs: number;
}

export class KafkaProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut: (Cut & { readonly done: () => void }) | undefined;
  #darkUntilMs = 0;
  #held: { readonly apiKey: number; readonly send: (() => void)[]; readonly first: () => void } | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(port: number): Promise<KafkaProxy> {
    const server = createServer();
    const proxy = new KafkaProxy(server);
    server.on('connection', (client) => proxy.#join(client, port));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Of the next such request. Resolves when it is done. */
  cut(cut: Cut): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#cut = { ...cut, done: resolve };
    return promise;
  }

  /** Keeps requests of a kind back. `first` resolves when there is one. */
  hold(kind: keyof typeof apiKeys): { readonly first: Promise<void>; release(): void } {
    const { promise: first, resolve } = Promise.withResolvers<void>();
    const held = { apiKey: apiKeys[kind], send: [] as (() => void)[], first: resolve };
    this.#held = held;
    const release = (): void => {
      if (this.#held === held) this.#held = undefined;
      for (const send of held.send) send();
    };
    return { first, release };
  }

  #join(client: Socket, port: number): void {
    if (performance.now() < this.#darkUntilMs) return void client.destroy();
    const broker = connect(port, '127.0.0.1');
    const end = (): void => {
      client.destroy();
      broker.destroy();
      this.#sockets.delete(client);
    };
    this.#sockets.add(client);
    for (const socket of [client, broker]) socket.on('error', end).on('close', end);
    let answered: (() => void) | undefined;
    broker.on('data', (bytes: Buffer) => (answered ? answered() : client.write(bytes)));
    let held = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      held = Buffer.concat([held, bytes]);
      while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
        const frame = held.subarray(0, 4 + held.readInt32BE(0));
        held = held.subarray(frame.length);
        if (frame.readInt16BE(4) === this.#held?.apiKey) {
          this.#held.send.push(() => broker.write(frame));
          this.#held.first();
          continue;
        }
        const cut = this.#cut;
        if (cut === undefined || frame.readInt16BE(4) !== apiKeys[cut.at]) {
          broker.write(frame);
          continue;
        }
        this.#cut = undefined;
        if (cut.when === 'before the broker has it') return this.#darken(cut);
        answered = () => this.#darken(cut);
        broker.write(frame);
      }
    });
  }

  #darken({ darkMs, done }: { readonly darkMs: number; readonly done: () => void }): void {
    this.#darkUntilMs = performance.now() + darkMs;
    for (const socket of this.#sockets) socket.destroy();
    done();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
