/** One connection of HTTP/1.1 that has one request under way: prebuilt bytes out, and of the answer only its status is looked at. */
import { type Socket, connect } from 'node:net';

export interface ConnectionOptions {
  readonly port: number;
  /** @param ms from the request to the whole of its answer */
  readonly onAnswer: (status: number, ms: number) => void;
  readonly onError: (error: Error) => void;
}

const receivedBytes = 64 * 1024;
const headerEnd = Buffer.from('\r\n\r\n');
const lengthName = Buffer.from('content-length: ');
const noBytes = Buffer.alloc(0);

export class Connection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #sentMs = 0;
  #isBusy = false;
  /** Of an answer that has not come in whole. */
  #begun: Buffer = noBytes;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const callback = (length: number, bytes: Uint8Array): boolean => {
      this.#receive(Buffer.from(bytes.buffer, bytes.byteOffset, length));
      return true;
    };
    const onread = { buffer: Buffer.allocUnsafe(receivedBytes), callback };
    this.#socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('error', options.onError);
    this.#socket.on('close', () => {
      if (this.#isBusy) options.onError(new Error('the server has closed a connection'));
      this.#isBusy = false;
    });
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** @param request its bytes may be written over once it is answered */
  send(request: Buffer): void {
    this.#isBusy = true;
    this.#sentMs = performance.now();
    this.#socket.write(request);
  }

  close(): void {
    this.#isBusy = false;
    this.#socket.destroy();
  }

  #receive(received: Buffer): void {
    const bytes = this.#begun.length === 0 ? received : Buffer.concat([this.#begun, received]);
    const end = endOfAnswer(bytes);
    if (bytes.length < end) this.#begun = this.#begun.length === 0 ? Buffer.from(bytes) : bytes;
    else {
      this.#begun = noBytes;
      this.#isBusy = false;
      this.#options.onAnswer(statusOf(bytes), performance.now() - this.#sentMs);
    }
  }
}

/** Infinity while it is not known. Our server announces the length of each body. */
function endOfAnswer(bytes: Buffer): number {
  const headers = bytes.indexOf(headerEnd);
  const length = bytes.indexOf(lengthName);
  if (headers < 0 || length < 0 || length > headers) return Infinity;
  return (
    headers + headerEnd.length + Number.parseInt(bytes.toString('latin1', length + lengthName.length, length + 26), 10)
  );
}

/** Behind `HTTP/1.1 `. */
function statusOf(bytes: Buffer): number {
  return Number(bytes.toString('latin1', 9, 12));
}
