/**
 * One request and its whole answer, within limits of time and size. Redirects are not followed: they could lead credentials away.
 */
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'undici';
import { Fault, reasonOf } from '../../errors.ts';
import type { PullTimeouts } from '../../pipeline/pulls.ts';

export interface Request {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent by POST, as a form. */
  readonly form?: URLSearchParams;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** There was no whole answer; another try may have one. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

export interface ExchangeLimits extends PullTimeouts {
  readonly maxPageBytes: number;
}

export class Exchange {
  readonly #limits: ExchangeLimits;
  readonly #agent: Agent;

  constructor(limits: ExchangeLimits) {
    this.#limits = limits;
    // Limits of our own: those of undici are exact to the second only.
    this.#agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: limits.connectMs } });
  }

  /** @throws NoAnswer; Fault PULL_REFUSED for one that is too large; the signal's reason */
  async send(one: Request, signal: AbortSignal): Promise<Answer> {
    const { firstByteMs, wholeMs } = this.#limits;
    const ending = new AbortController();
    setMaxListeners(0, ending.signal);
    const endAfter = (ms: number, what: string) =>
      setTimeout(() => ending.abort(new NoAnswer(`${what} within ${ms} ms`)), ms);
    const whole = endAfter(wholeMs, 'the answer was not whole');
    const first = endAfter(Math.min(firstByteMs, wholeMs), 'no answer began');
    const stop = (): void => ending.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      return await this.#receive(one, ending.signal, () => clearTimeout(first));
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (ending.signal.aborted) throw ending.signal.reason;
      throw new NoAnswer(reasonOf(error), { cause: error });
    } finally {
      clearTimeout(whole);
      clearTimeout(first);
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #receive({ url, headers, form }: Request, signal: AbortSignal, onHead: () => void): Promise<Answer> {
    const { maxPageBytes } = this.#limits;
    const content = form && { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await request(url, {
      dispatcher: this.#agent,
      method: form ? 'POST' : 'GET',
      headers: { accept: 'application/json', 'user-agent': 'tributary', ...headers, ...content },
      ...(form && { body: form.toString() }),
      signal,
    });
    onHead();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxPageBytes)
        throw new Fault(
          'PULL_REFUSED',
          `the answer of ${url.origin}${url.pathname} has more than ${maxPageBytes} bytes`,
        );
      chunks.push(chunk);
    }
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
  }
}
