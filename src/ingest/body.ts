/**
 * The body of a request as it streams in: decompressed, counted, timed. Nothing is read ahead of the consumer, so that
 * its pace reaches the producer, and a body that is refused is dropped at the byte that is one too many. However it ends, no
 * timer, listener or decompressor stays behind; the request itself is the caller's, who still has to answer it.
 */
import type { Readable } from 'node:stream';
import {
  type BrotliDecompress,
  constants,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  type Gunzip,
  type ZstdDecompress,
} from 'node:zlib';
import { Fault } from '../errors.ts';

export interface BodyOptions {
  /** The Content-Encoding header: none, `identity`, `gzip`, `x-gzip`, `br` or `zstd`. */
  readonly encoding: string | undefined;
  /** The Content-Length header: a body that says it is too large is refused unread. */
  readonly announcedLength?: string | undefined;
  /** After decompression. */
  readonly maxBytes: number;
  /** How long the producer may send nothing while it is listened to. Default 30,000 ms. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long all of it may take. Default 300,000 ms. */
  readonly totalTimeoutMs?: number | undefined;
  /** Ends the body with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

type Decoder = Gunzip | BrotliDecompress | ZstdDecompress;

/** Windows of at most 8 MiB, as RFC 9659 has it for zstd in HTTP; the default would let a frame claim 128 MiB. */
const zstdWindowLogMax = 23;

const decoders: Readonly<Record<string, () => Decoder>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  br: () => createBrotliDecompress(),
  zstd: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLogMax } }),
};

/**
 * @throws Fault CONTENT_ENCODING_UNSUPPORTED and PACKAGE_TOO_LARGE (as announced) at once; while it is read PACKAGE_TOO_LARGE,
 * BODY_INCOMPLETE, BODY_CORRUPT, BODY_TIMEOUT
 */
export function decodedBody(request: Readable, options: BodyOptions): AsyncIterable<Buffer> {
  const { maxBytes } = options;
  const encoding = options.encoding?.trim().toLowerCase() ?? '';
  const announcedBytes = Number(options.announcedLength ?? 0);
  if (encoding === '' || encoding === 'identity') {
    if (announcedBytes > maxBytes) throw tooLarge(maxBytes);
    return limited(new Arrivals(request, options), options);
  }
  if (Object.hasOwn(decoders, encoding)) {
    if (announcedBytes > mostCompressedBytes(maxBytes)) throw tooLarge(maxBytes);
    return decompressed(new Arrivals(request, options), encoding, options);
  }
  throw new Fault('CONTENT_ENCODING_UNSUPPORTED', `the content encoding ${JSON.stringify(encoding)} is not supported`);
}

/** Frames that hold nothing would never reach the limit; what is compressed is never twice the size of what is not. */
function mostCompressedBytes(maxBytes: number): number {
  return 2 * maxBytes + 1024;
}

async function* limited(arrivals: Arrivals, { maxBytes }: BodyOptions): AsyncGenerator<Buffer> {
  try {
    let chunk: Buffer | undefined;
    while ((chunk = await arrivals.next()) !== undefined) {
      if (arrivals.bytes > maxBytes) throw tooLarge(maxBytes);
      yield chunk;
    }
  } finally {
    arrivals.release();
  }
}

async function* decompressed(arrivals: Arrivals, encoding: string, { maxBytes }: BodyOptions): AsyncGenerator<Buffer> {
  const decoder = new Decompressor(encoding);
  const maxArrivingBytes = mostCompressedBytes(maxBytes);
  let bytes = 0;
  try {
    let arrived: Buffer | undefined;
    do {
      arrived = await arrivals.next();
      if (arrivals.bytes > maxArrivingBytes) throw tooLarge(maxBytes);
      decoder.feed(arrived);
      let chunk: Buffer | undefined;
      while ((chunk = await decoder.next()) !== undefined) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(maxBytes);
        arrivals.throwIfAborted();
        yield chunk;
      }
    } while (arrived !== undefined);
  } finally {
    decoder.release();
    arrivals.release();
  }
}

function tooLarge(maxBytes: number): Fault {
  return new Fault('PACKAGE_TOO_LARGE', `the package is larger than ${maxBytes} bytes, the limit after decompression`);
}

/** Waits for a stream to have something to read, or to be over. */
class StreamWatch {
  readonly #stream: Readable;
  #resolve: (() => void) | undefined;
  error: Error | undefined;

  readonly wake = (): void => {
    this.#resolve?.();
    this.#resolve = undefined;
  };

  readonly #onError = (error: Error): void => {
    this.error = error;
    this.wake();
  };

  constructor(stream: Readable) {
    this.#stream = stream;
    this.error = stream.errored ?? undefined;
    stream.on('readable', this.wake).on('end', this.wake).on('close', this.wake).on('error', this.#onError);
  }

  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** A stream that is not over may still fail: that is no news by then, and must not end the process. */
  release(): void {
    const stream = this.#stream;
    stream.off('readable', this.wake).off('end', this.wake).off('close', this.wake);
    if (stream.readableEnded || stream.closed) stream.off('error', this.#onError);
    else stream.once('close', () => stream.off('error', this.#onError));
  }
}

/** What the producer sends, as it comes. */
class Arrivals {
  bytes = 0;
  readonly #request: Readable;
  /** NaN where it is not announced. */
  readonly #announcedBytes: number;
  readonly #idleTimeoutMs: number;
  readonly #totalTimeoutMs: number;
  readonly #beganMs = performance.now();
  readonly #signal: AbortSignal | undefined;
  #watch: StreamWatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #waiting = false;
  #idle = false;

  constructor(
    request: Readable,
    { announcedLength, idleTimeoutMs = 30_000, totalTimeoutMs = 300_000, signal }: BodyOptions,
  ) {
    this.#request = request;
    this.#announcedBytes = Number(announcedLength ?? Number.NaN);
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#totalTimeoutMs = totalTimeoutMs;
    this.#signal = signal;
  }

  /** `undefined` when the body is over. */
  async next(): Promise<Buffer | undefined> {
    const request = this.#request;
    const watch = (this.#watch ??= this.#listen());
    for (;;) {
      this.throwIfAborted();
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) {
        this.bytes += chunk.length;
        return chunk;
      }
      if (request.readableEnded) return undefined;
      if (watch.error !== undefined || request.destroyed) {
        if (this.bytes === this.#announcedBytes) return undefined; // all of it came: some close without reading the answer
        throw this.#incomplete(watch.error);
      }
      if (this.#idle) throw this.#timedOut();
      if (performance.now() - this.#beganMs > this.#totalTimeoutMs) throw this.#tooSlow();
      await this.#change(watch);
    }
  }

  throwIfAborted(): void {
    this.#signal?.throwIfAborted();
  }

  release(): void {
    clearTimeout(this.#timer);
    if (this.#watch === undefined) return;
    this.#signal?.removeEventListener('abort', this.#watch.wake);
    this.#watch.release();
  }

  #listen(): StreamWatch {
    const watch = new StreamWatch(this.#request);
    this.#signal?.addEventListener('abort', watch.wake);
    return watch;
  }

  async #change(watch: StreamWatch): Promise<void> {
    const change = watch.change();
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#onIdle(watch), this.#idleTimeoutMs);
    else this.#timer.refresh();
    this.#waiting = true;
    await change;
    this.#waiting = false;
  }

  /** While nobody waits, the pause is the consumer's. */
  #onIdle(watch: StreamWatch): void {
    this.#timer = undefined;
    this.#idle = this.#waiting;
    watch.wake();
  }

  #incomplete(cause: Error | undefined): Fault {
    return new Fault('BODY_INCOMPLETE', `the connection broke after ${this.bytes} bytes of the body`, { cause });
  }

  #tooSlow(): Fault {
    const message = `the body has not ended within ${this.#totalTimeoutMs} ms, after ${this.bytes} bytes`;
    return new Fault('BODY_TIMEOUT', message);
  }

  #timedOut(): Fault {
    const message = `no byte of the body for ${this.#idleTimeoutMs} ms, after ${this.bytes} bytes`;
    return new Fault('BODY_TIMEOUT', message);
  }
}

/** Takes a piece, gives all that it decompresses to, takes the next. */
class Decompressor {
  readonly #encoding: string;
  readonly #stream: Decoder;
  readonly #watch: StreamWatch;
  #fedBytes = 0;
  #isTaken = true;

  constructor(encoding: string) {
    this.#encoding = encoding;
    this.#stream = (decoders[encoding] as () => Decoder)();
    this.#watch = new StreamWatch(this.#stream);
  }

  /** `undefined`: there is no more. */
  feed(chunk: Buffer | undefined): void {
    const onTaken = (): void => {
      this.#isTaken = true;
      this.#watch.wake();
    };
    if (chunk === undefined) {
      this.#stream.end();
      return;
    }
    this.#fedBytes += chunk.length;
    this.#isTaken = false;
    this.#stream.write(chunk, onTaken);
  }

  /** `undefined` where more input is needed, and at the end. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#watch.error !== undefined) throw this.#broken(this.#watch.error);
      if (this.#stream.readableEnded) return this.#ended();
      if (this.#isTaken && !this.#stream.writableEnded) return undefined;
      await this.#watch.change();
    }
  }

  release(): void {
    this.#watch.release();
    this.#stream.destroy();
  }

  #ended(): undefined {
    if (this.#stream.bytesWritten === this.#fedBytes) return undefined;
    throw this.#broken(new Error(`something follows its end at byte ${this.#stream.bytesWritten}`));
  }

  #broken(cause: Error & { readonly code?: string }): Fault {
    if (cause.code === 'Z_BUF_ERROR') {
      return new Fault('BODY_INCOMPLETE', `the ${this.#encoding} body stops half-way, after ${this.#fedBytes} bytes`);
    }
    return new Fault('BODY_CORRUPT', `the ${this.#encoding} body cannot be decompressed: ${cause.message}`, { cause });
  }
}
