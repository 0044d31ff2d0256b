/**
 * What a balancer does, for tests that restart nodes: it asks each node whether it is ready, gives the ready ones requests in turn,
 * and passes a node over that takes no connection, which is the only thing it tries again.
 */
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpRequest, type Reply } from './http-request.ts';
import { type Program } from './program.ts';

const lookEveryMs = 50;

export interface BalancedNode {
  readonly program: Program;
  isReady: boolean;
  /** Requests with a body that it has not answered. */
  uploads: number;
}

export interface Sent {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each node that is tried. Default: a GET. */
  readonly body?: () => AsyncIterable<string> | Iterable<string>;
}

export class Balancer {
  /** Connections that a node refused, which the other one took. */
  passedOver = 0;
  readonly #nodes: BalancedNode[] = [];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #ended = new AbortController();
  #turn = 0;

  /** Resolves when it is given requests. */
  async add(program: Program): Promise<BalancedNode> {
    const node = { program, isReady: false, uploads: 0 };
    this.#nodes.push(node);
    void this.#watch(node);
    while (!node.isReady) await sleep(lookEveryMs);
    return node;
  }

  remove(node: BalancedNode): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  /** @throws where no node took it, or the one that took it did not answer to the end */
  async send({ path, headers = {}, body }: Sent): Promise<Reply> {
    this.#turn += 1;
    const ready = this.#nodes.filter(({ isReady }) => isReady);
    for (const i of ready.keys()) {
      const node = ready[(this.#turn + i) % ready.length] as BalancedNode;
      const url = node.program.url + path;
      try {
        if (!body) return await httpRequest(url, { headers, agent: this.#agent });
        node.uploads += 1;
        return await upload(url, headers, body()).finally(() => (node.uploads -= 1));
      } catch (error) {
        if (!isRefused(error)) throw new Error(`cut short by ${node.program.url}`, { cause: error });
        this.passedOver += 1;
      }
    }
    throw new Error(`no node took it: ${ready.length} of ${this.#nodes.length} are ready`);
  }

  close(): void {
    this.#ended.abort();
    this.#agent.destroy();
  }

  async #watch(node: BalancedNode): Promise<void> {
    while (!this.#ended.signal.aborted) {
      const asked = httpRequest(`${node.program.url}/health/ready`, { agent: this.#agent });
      node.isReady = await asked.then(
        ({ status }) => status === 200,
        () => false,
      );
      await sleep(lookEveryMs, undefined, { ref: false });
    }
  }
}

function isRefused(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
}

async function upload(url: string, headers: Sent['headers'], body: ReturnType<NonNullable<Sent['body']>>) {
  const sent = request(url, { method: 'POST', headers, agent: false });
  const answer = new Promise<Reply>((resolve, reject) => {
    sent.on('error', reject).on('response', (response) => {
      const { statusCode: status = 0, headers: got } = response;
      text(response).then((content) => resolve({ status, headers: got, text: content }), reject);
    });
  });
  const [reply] = await Promise.all([answer, pipeline(Readable.from(body), sent)]);
  return reply;
}
