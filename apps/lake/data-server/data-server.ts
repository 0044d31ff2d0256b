/**
 * A server that behaves like the real API of the lake: its data, its ways, and its faults, as often as is asked for. For the demo and for
 * tests. `PUT /faults` with a JSON object of shares changes them; `POST /renew` makes the data anew, as a restart does.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../random.ts';
import { answer, type ApiAnswer } from './answers.ts';
import { type Counts, MadeData, usualCounts } from './made-data.ts';

/** Shares of requests, 0 to 1; of several that are due the first one in this order happens. */
export interface Faults {
  /** 503, without `Retry-After`. */
  readonly busy: number;
  /** Nothing for `hangMs`, then the answer. */
  readonly hang: number;
  /** The connection ends in the middle of the answer. */
  readonly cut: number;
  /** The answer comes byte by byte, for `hangMs` in all. */
  readonly trickle: number;
  /** `count` is not that of the items. */
  readonly wrongCount: number;
  /** The page before comes again. */
  readonly repeat: number;
}

export interface DataServerOptions {
  readonly seed?: number | string;
  /** Default 0: any free one. */
  readonly port?: number;
  readonly counts?: Counts;
  readonly faults?: Partial<Faults>;
  /** Default 10,000. */
  readonly hangMs?: number;
}

/** As often as the real one. */
export const usualFaults: Faults = { busy: 0.1, hang: 0.05, cut: 0, trickle: 0, wrongCount: 0, repeat: 0 };
const noFaults: Faults = { busy: 0, hang: 0, cut: 0, trickle: 0, wrongCount: 0, repeat: 0 };
const kinds = Object.keys(noFaults) as (keyof Faults)[];
const trickleSteps = 50;

export class DataServer {
  data: MadeData;
  faults: Faults;
  /** Answered or not. */
  requests = 0;
  readonly #options: Required<Omit<DataServerOptions, 'port' | 'faults'>>;
  readonly #random: Random;
  readonly #server: Server;
  readonly #stopping = new AbortController();
  #before: ApiAnswer | undefined;
  #starts = 1;

  private constructor(options: DataServerOptions) {
    this.#options = { seed: 1, counts: usualCounts, hangMs: 10_000, ...options };
    this.#random = new Random(`faults ${this.#options.seed}`);
    this.data = new MadeData(this.#options.seed, this.#options.counts);
    this.faults = { ...noFaults, ...options.faults };
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy()); // who asked has gone, or the server ends
    });
  }

  static async start(options: DataServerOptions = {}): Promise<DataServer> {
    const server = new DataServer(options);
    server.#server.listen(options.port ?? 0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  /** What `DATA_BASE_URL` has to be. */
  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/api/`;
  }

  /** Other data, as after a restart. */
  renew(): void {
    this.#starts += 1;
    this.data = new MadeData(`${this.#options.seed} ${this.#starts}`, this.#options.counts);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method === 'PUT' && url.pathname === '/faults') return this.#setFaults(request, response);
    if (request.method === 'POST' && url.pathname === '/renew') {
      this.renew();
      return send(response, { status: 200, body: {} });
    }
    this.requests += 1;
    const { busy, hang } = this.#due();
    if (busy) return send(response, { status: 503, body: { error: 'Service Unavailable' } });
    if (hang) await sleep(this.#options.hangMs, undefined, { signal: this.#stopping.signal });
    await this.#answer(url, response);
  }

  async #answer(url: URL, response: ServerResponse): Promise<void> {
    const { cut, trickle, wrongCount, repeat } = this.#due();
    const right = answer(url, this.data, Date.now());
    const shown = repeat && this.#before ? this.#before : right;
    this.#before = right;
    const body = wrongCount ? { ...shown.body, count: Number(shown.body['count']) + 1 } : shown.body;
    if (!cut && !trickle) return send(response, { ...shown, body });
    const bytes = Buffer.from(JSON.stringify(body));
    response.writeHead(shown.status, { 'content-type': 'application/json', 'content-length': bytes.length });
    if (trickle) return this.#trickle(response, bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  }

  async #trickle(response: ServerResponse, bytes: Buffer): Promise<void> {
    const size = Math.ceil(bytes.length / trickleSteps);
    for (let at = 0; at < bytes.length; at += size) {
      response.write(bytes.subarray(at, at + size));
      await sleep(this.#options.hangMs / trickleSteps, undefined, { signal: this.#stopping.signal });
    }
    response.end();
  }

  /** Which faults happen now. */
  #due(): Record<keyof Faults, boolean> {
    const due = kinds.map((kind) => [kind, this.#random.chance(this.faults[kind])] as const);
    return Object.fromEntries(due) as Record<keyof Faults, boolean>;
  }

  async #setFaults(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const faults = readFaults(Buffer.concat(chunks).toString());
    if (faults === undefined)
      return send(response, { status: 400, body: { error: `expected shares from 0 to 1 of ${kinds.join(', ')}` } });
    this.faults = faults;
    send(response, { status: 200, body: { ...faults } });
  }
}

/** What is not named does not happen. */
function readFaults(text: string): Faults | undefined {
  try {
    const given = Object(JSON.parse(text)) as Record<string, unknown>;
    const isRight = Object.entries(given).every(([kind, share]) => Object.hasOwn(noFaults, kind) && isShare(share));
    return isRight ? { ...noFaults, ...given } : undefined;
  } catch {
    return undefined;
  }
}

function isShare(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function send(response: ServerResponse, { status, body }: ApiAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
