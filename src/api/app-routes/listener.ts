/**
 * One stream of server-sent events. At most two events are held for it, the one that is being written and the newest after it: a
 * client that reads slowly misses what lies between, and one that reads nothing between two heartbeats is sent away.
 */
import type { ServerResponse } from 'node:http';

export interface ListenerOptions {
  readonly heartbeatMs: number;
  /** Whether it may go on listening: asked before each event, and at each heartbeat. */
  readonly isWelcome: () => boolean;
}

/** For a client to read what it was sent last. */
const endWithinMs = 500;

export class Listener {
  readonly #response: ServerResponse;
  readonly #options: ListenerOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #isWriting = false;
  #next: string | undefined;
  /** Writes that were begun, now and at the last heartbeat. */
  #writes = 0;
  #writesBefore = -1;

  constructor(response: ServerResponse, options: ListenerOptions) {
    this.#response = response;
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs).unref();
    this.onGone(() => clearInterval(this.#heartbeat));
    response.on('error', () => response.destroy()); // what is written to a connection that has gone
  }

  onGone(then: () => void): void {
    if (this.#response.closed) then();
    else this.#response.once('close', then);
  }

  send(event: string): void {
    if (this.#response.writableEnded) return; // it goes as soon as it has read what it was sent
    if (!this.#options.isWelcome()) return this.end();
    if (this.#isWriting) this.#next = event;
    else this.#write(event);
  }

  end(): void {
    this.#response.end();
    setTimeout(() => this.#response.destroy(), endWithinMs).unref();
  }

  #write(text: string): void {
    this.#isWriting = true;
    this.#writes += 1;
    this.#response.write(text, () => {
      this.#isWriting = false;
      const next = this.#next;
      this.#next = undefined;
      if (next !== undefined && this.#response.writable) this.#write(next);
    });
  }

  #beat(): void {
    if (!this.#options.isWelcome()) return this.end();
    const isStuck = this.#isWriting && this.#writes === this.#writesBefore;
    this.#writesBefore = this.#writes;
    if (isStuck) this.#response.destroy();
    else if (!this.#isWriting) this.#write(': still here\n\n');
  }
}
