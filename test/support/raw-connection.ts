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

/** Opens a request to collect whose body has `contentLength` bytes, and sends the first of them. */
export async function beginUpload(
  url: string,
  contentLength: number,
  start: string | Uint8Array,
): Promise<RawConnection> {
  const connection = await openConnection(url);
  connection.socket.write(
    `POST /collect HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${contentLength}\r\n\r\n`,
  );
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
