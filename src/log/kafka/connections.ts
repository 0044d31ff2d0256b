/** Connections to brokers, one each, made when they are needed and forgotten when they break. */
import { type Broker, Connection, type ConnectionOptions } from '@platformatic/kafka';
import { Fault } from '../../errors.ts';

export interface ConnectionSettings {
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  /** A request that takes longer fails, and ends its connection. */
  readonly requestTimeoutMs: number;
  readonly security: Security;
}

/** How brokers are spoken to; nothing of it reaches a log line. */
export type Security = Pick<ConnectionOptions, 'tls' | 'sasl'>;

export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #open = new Map<string, Promise<Connection>>();
  #isClosed = false;

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  async to(broker: Broker): Promise<Connection> {
    if (this.#isClosed) throw closed();
    const name = `${broker.host}:${broker.port}`;
    const known = this.#open.get(name);
    const connection = await (known ?? this.#begin(name, broker));
    if (connection.isConnected()) return connection;
    if (known !== undefined) {
      if (this.#open.get(name) === known) this.#open.delete(name);
      return this.to(broker);
    }
    throw new Error(`the connection to ${name} broke`);
  }

  #begin(name: string, broker: Broker): Promise<Connection> {
    const connecting = connect(this.#settings, broker);
    this.#open.set(name, connecting);
    connecting.catch(() => {
      if (this.#open.get(name) === connecting) this.#open.delete(name);
    });
    return connecting;
  }

  /** What is under way fails; what comes is begun anew. */
  drop(): void {
    for (const connecting of this.#open.values())
      connecting.then(
        ({ socket }) => socket.destroy(),
        () => undefined, // it never was one
      );
    this.#open.clear();
  }

  close(): void {
    this.#isClosed = true;
    this.drop();
  }
}

export async function connect(settings: ConnectionSettings, { host, port }: Broker): Promise<Connection> {
  const { clientId, connectTimeoutMs: connectTimeout, requestTimeoutMs: requestTimeout, security } = settings;
  const connection = new Connection(clientId, { connectTimeout, requestTimeout, ...security });
  connection.on('error', () => undefined); // told by the requests that fail with it
  await connection.connect(host, port);
  return connection;
}

export const closed = (): Fault => new Fault('LOG_FAILED', 'The log is closed.');
