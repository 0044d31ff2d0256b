/** Reads a stream of server-sent events, as `EventSource` would: what has come, and the next that comes. */
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';

export interface ServerEvent {
  /** `message` where the server says nothing. */
  readonly name: string;
  readonly data: string;
}

export class EventStream {
  readonly headers: IncomingHttpHeaders;
  readonly #response: IncomingMessage;
  readonly #chunks: AsyncIterator<string>;
  #rest = '';

  private constructor(response: IncomingMessage) {
    this.headers = response.headers;
    this.#response = response;
    this.#chunks = response.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
  }

  /** Rejects with the status where it is not 200. */
  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const sent = request(url, { headers, agent: false }, (response) => {
        if (response.statusCode === 200) return resolve(new EventStream(response));
        response.resume();
        reject(new Error(`answered ${response.statusCode}`));
      });
      sent.on('error', reject).end();
    });
  }

  /** The next event; undefined at the stream's end. */
  async next(): Promise<ServerEvent | undefined> {
    for (;;) {
      const block = await this.block();
      if (block === undefined) return undefined;
      const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
      const data = fields.get('data');
      if (data !== undefined) return { name: fields.get('event') ?? 'message', data };
    }
  }

  /** What stands before the next empty line, comments too; undefined at the stream's end. */
  async block(): Promise<string | undefined> {
    for (let from = 0; ;) {
      const end = this.#rest.indexOf('\n\n', from);
      if (end >= 0) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      from = Math.max(0, this.#rest.length - 1);
      this.#rest += value;
    }
  }

  close(): void {
    this.#response.on('error', () => undefined).destroy();
  }
}
