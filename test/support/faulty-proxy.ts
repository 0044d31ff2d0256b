/** A TCP proxy before a real server, on which connections are cut, stand still, or get another's answer, when a test says so. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** From the next bytes on that a client sends on any connection. */
export type LineFault =
  | { readonly kind: 'cut request'; readonly afterBytes: number }
  | { readonly kind: 'cut answer'; readonly afterBytes: number }
  /** One byte of the answer is another. */
  | { readonly kind: 'flip'; readonly atByte: number }
  | { readonly kind: 'stall' }
  /** Neither end hears of the other any more, not even that it has gone. */
  | { readonly kind: 'vanish' }
  | { readonly kind: 'answer'; readonly status: number };

export interface FaultyProxy {
  /** As the server's own URL. */
  readonly url: string;
  /** How many faults there were. */
  readonly faults: number;
  /** One after the other, each once. */
  next(...faults: readonly LineFault[]): void;
  /** Each time that nothing else is next; until it is undefined. */
  always(fault: LineFault | undefined): void;
  /** What is still next is not. */
  clear(): void;
  close(): Promise<void>;
}

export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target);
  const queue: LineFault[] = [];
  const open = new Set<Socket>();
  let each: LineFault | undefined;
  let faults = 0;
  const take = (): LineFault | undefined => {
    const fault = queue.shift() ?? each;
    if (fault) faults += 1;
    return fault;
  };
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined).on('close', () => open.delete(socket)); // told to the other end by what follows
    }
    const hasVanished = relay(client, upstream, take);
    client.on('close', () => void (hasVanished() || upstream.destroy()));
    upstream.on('close', () => void (hasVanished() || client.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get faults() {
      return faults;
    },
    next: (...more) => void queue.push(...more),
    always: (fault) => void (each = fault),
    clear: () => void queue.splice(0),
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(client: Socket, upstream: Socket, take: () => LineFault | undefined): () => boolean {
  let fault: LineFault | undefined;
  let seen = 0;
  client.on('data', (bytes: Buffer) => {
    if (!fault) seen = 0;
    fault ??= take();
    if (fault?.kind === 'stall' || fault?.kind === 'vanish') return;
    if (fault?.kind === 'answer') return answer(client, fault.status);
    if (fault?.kind === 'cut request') {
      seen += bytes.length;
      if (seen > fault.afterBytes) return cut(upstream, bytes, fault.afterBytes - (seen - bytes.length));
    }
    upstream.write(bytes);
  });
  upstream.on('data', (bytes: Buffer) => {
    if (fault?.kind === 'stall' || fault?.kind === 'vanish') return;
    const from = seen;
    if (fault?.kind === 'cut answer' || fault?.kind === 'flip') seen += bytes.length;
    if (fault?.kind === 'cut answer' && seen > fault.afterBytes) return cut(client, bytes, fault.afterBytes - from);
    if (fault?.kind === 'flip' && fault.atByte < seen) {
      bytes[fault.atByte - from]! ^= 1;
      fault = undefined;
    }
    client.write(bytes);
  });
  return () => fault?.kind === 'vanish';
}

function cut(to: Socket, bytes: Buffer, left: number): void {
  to.write(bytes.subarray(0, Math.max(0, left)), () => to.destroy());
}

function answer(client: Socket, status: number): void {
  client.end(`HTTP/1.1 ${status} Not Now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}
