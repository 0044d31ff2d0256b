/** A connection on which a test writes what it likes. */
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface RawConnection {
  readonly socket: Socket;
  /** Resolves with the next answer's status; rejects where the connection ends without one. */
  readonly status: Promise<number>;
}

/** Resolves when it is open. */
export function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    let received = '';
    const answer = Promise.withResolvers<number>();
    answer.promise.catch(() => undefined); // whoever wants it is told
    socket.setEncoding('latin1').on('data', (part: string) => {
      received += part;
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1];
      if (status !== undefined && status !== '100') answer.resolve(Number(status));
    });
    socket.on('error', reject); // after it was open: told by 'close'
    socket.on('close', () => answer.reject(new Error(`closed without an answer; received: ${received}`)));
    socket.on('connect', () => resolve({ socket, status: answer.promise }));
  });
}

export interface UploadTo {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

const toCollect: UploadTo = { path: '/collect', headers: { 'Content-Type': 'application/json' } };

/** Opens a request whose body has `contentLength` bytes, and sends the first of them. @param to default: a package to collect */
export async function beginUpload(
  url: string,
  contentLength: number,
  start: string | Uint8Array,
  to: UploadTo = toCollect,
): Promise<RawConnection> {
  const connection = await openConnection(url);
  const lines = Object.entries({ Host: 'localhost', ...to.headers, 'Content-Length': contentLength });
  const header = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  connection.socket.write(`POST ${to.path} HTTP/1.1\r\n${header}\r\n`);
  connection.socket.write(start);
  return connection;
}

/** Writes and gives back all that comes until the server closes. */
export async function exchange(url: string, request: string | Uint8Array): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(request);
  return text(socket);
}
