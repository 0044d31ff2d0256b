/** A receiver of traces that knows nothing of ours: OTLP over HTTP, by the messages of OpenTelemetry's protocol. */
import { EventEmitter, once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** The fields that the tests look at, by the numbers of opentelemetry/proto/trace/v1/trace.proto. */
const messages = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resourceSpans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes traceId = 1; bytes spanId = 2; string traceState = 3; bytes parentSpanId = 4; string name = 5; int32 kind = 6;
    fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8; repeated KeyValue attributes = 9;
    repeated Link links = 13; Status status = 15;
  }
  message Link { bytes traceId = 1; bytes spanId = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; } }
`).root;

interface Attribute {
  readonly key: string;
  readonly value?: Readonly<Record<string, string | number | boolean>>;
}

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code: number; readonly message: string } | null;
}

export interface ReceivedSpan {
  /** In hexadecimal digits; empty where there is no parent. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer' | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
  /** `<trace id>-<span id>`. */
  readonly links: readonly string[];
  readonly isError: boolean;
  readonly message: string;
  readonly durationMs: number;
}

const kinds = [undefined, 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** What it does with a request: takes it, answers with that status, or never answers. */
export type Behaviour = 'take' | number | 'stall';

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  behaviour: Behaviour = 'take';
  readonly #came = new EventEmitter();
  readonly #server = createServer((request, response) => {
    void this.#receive(request).then((status) => status !== undefined && response.writeHead(status).end());
  });

  static async start(t: { after(fn: () => Promise<void>): void }): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    t.after(() => receiver.stop());
    return receiver;
  }

  /** As OTEL_EXPORTER_OTLP_ENDPOINT names it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Resolves with the spans that match when there are so many. */
  async until(matches: (span: ReceivedSpan) => boolean, count = 1): Promise<readonly ReceivedSpan[]> {
    for (;;) {
      const found = this.spans.filter(matches);
      if (found.length >= count) return found;
      await once(this.#came, 'spans');
    }
  }

  /** Resolves when so many requests have come, whatever became of them. */
  async untilRequests(count: number): Promise<void> {
    while (this.headers.length < count) await once(this.#came, 'request');
  }

  /** The status to answer with, if at all. */
  async #receive(request: IncomingMessage): Promise<number | undefined> {
    const body = await buffer(request);
    this.headers.push(request.headers);
    this.#came.emit('request');
    if (this.behaviour === 'stall') return undefined;
    if (typeof this.behaviour === 'number') return this.behaviour;
    if (request.url !== '/v1/traces' || request.method !== 'POST') return 404;
    this.spans.push(...spansIn(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
    this.#came.emit('spans');
    return 200;
  }
}

function spansIn(body: Uint8Array): readonly ReceivedSpan[] {
  const type = messages.lookupType('Request');
  const { resourceSpans } = type.toObject(type.decode(body), { longs: String, bytes: String, defaults: true }) as {
    resourceSpans: readonly {
      resource: { attributes: readonly Attribute[] };
      scopeSpans: readonly { spans: readonly SentSpan[] }[];
    }[];
  };
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => received(span, valuesOf(resource.attributes)))),
  );
}

function received(span: SentSpan, resource: ReceivedSpan['resource']): ReceivedSpan {
  const { name, traceState, status } = span;
  const lasted = BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano);
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    traceState,
    name,
    kind: kinds[span.kind],
    attributes: valuesOf(span.attributes),
    resource,
    links: span.links.map(({ traceId, spanId }) => `${hex(traceId)}-${hex(spanId)}`),
    isError: status?.code === 2,
    message: status?.message ?? '',
    durationMs: Number(lasted) / 1e6,
  };
}

function valuesOf(attributes: readonly Attribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value = {} }) => {
      const [kind, content] = Object.entries(value)[0] ?? [];
      return [key, kind === 'intValue' ? Number(content) : content];
    }),
  );
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
