import assert from 'node:assert/strict';
import { type TestContext, suite, test } from 'node:test';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import * as fc from 'fast-check';
import { createLogger } from '../../src/telemetry/logger.ts';
import type { TraceSettings } from '../../src/telemetry/open-traces.ts';
import { createOtlpTraces } from '../../src/telemetry/otlp/otlp-traces.ts';
import { type SpanExportOptions, createSpanExport } from '../../src/telemetry/otlp/span-export.ts';
import { type Traces, within } from '../../src/telemetry/tracing.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const logger = createLogger({ level: 'silent' });
const quiet = { logger, onSpans: () => undefined, version: '1.2.3' };
const everything = { sampler: 'parentbased_traceidratio', sampleRatio: 1 } as const;

async function traced(t: TestContext, settings: TraceSettings = everything) {
  const receiver = await OtlpReceiver.start(t);
  return { receiver, traces: createOtlpTraces({ ...settings, endpoint: `${receiver.url}/v1/traces` }, quiet) };
}

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((id) => !/^0*$/.test(id));

const ofRequest = (traces: Traces, headers: Record<string, string>) =>
  traces.request({ name: 'POST /collect', headers, attributes: {} });

suite('requests', () => {
  test('go on in the trace of a well-formed traceparent, and in a new one otherwise', async (t) => {
    const { traces } = await traced(t);
    fc.assert(
      fc.property(hex(32), hex(16), (traceId, spanId) => {
        const span = ofRequest(traces, { traceparent: `00-${traceId}-${spanId}-01` });
        assert.match(span?.traceparent ?? '', new RegExp(`^00-${traceId}-(?!${spanId})[0-9a-f]{16}-01$`));
        assert.equal(
          ofRequest(traces, { traceparent: `00-${traceId}-${spanId}-00` }),
          undefined,
          'as the producer says',
        );
        for (const malformed of [
          `ff-${traceId}-${spanId}-01`,
          `00-${traceId}-${spanId}`,
          `00-${traceId}-${spanId}-01-x`,
        ])
          assert.ok(!ofRequest(traces, { traceparent: malformed })?.traceparent.includes(traceId), malformed);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (traceparent, tracestate) => {
        const span = ofRequest(traces, { traceparent, tracestate });
        assert.match(span?.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      }),
    );
    await traces.close();
  });

  test('are sampled as the configuration says; their parts go with them', async (t) => {
    const parent = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    for (const [sampler, sampleRatio, ofRoot, ofChild] of [
      ['parentbased_traceidratio', 1, true, true],
      ['parentbased_traceidratio', 0, false, true],
      ['parentbased_always_on', 0, true, true],
      ['parentbased_always_off', 1, false, true],
      ['always_on', 0, true, true],
      ['traceidratio', 0, false, false],
    ] as const) {
      const { traces, receiver } = await traced(t, { sampler, sampleRatio });
      const spans = [ofRequest(traces, {}), ofRequest(traces, parent)];
      assert.deepEqual(
        spans.map((span) => span !== undefined),
        [ofRoot, ofChild],
        sampler,
      );
      for (const span of spans) {
        span?.begin('decode').end();
        span?.end();
      }
      await traces.close();
      assert.equal(receiver.spans.length, 2 * spans.filter((span) => span !== undefined).length, sampler);
    }
  });
});

suite('batches', () => {
  test('are traced when a package of theirs is, with all parts, whatever the sampler says of new traces', async (t) => {
    for (const sampler of ['parentbased_traceidratio', 'traceidratio'] as const) {
      const { traces, receiver } = await traced(t, { sampler, sampleRatio: 0 });
      const about = { name: 'land orders', attributes: {}, fromMs: Date.now() - 1000 };
      assert.equal(traces.batch({ ...about, links: [] }), undefined);
      assert.equal(traces.batch({ ...about, links: ['nonsense'] }), undefined);
      const links = ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x'];
      const batch = traces.batch({ ...about, links });
      await within(batch?.begin('stage'), async () => undefined);
      await assert.rejects(within(batch, async () => assert.fail('postgres://me:hush@host refused it')));
      await traces.close();
      const [stage, whole] = receiver.spans;
      assert.deepEqual([stage?.name, stage?.parentSpanId], ['stage', whole?.spanId]);
      assert.deepEqual(whole?.links, ['0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331']);
      assert.deepEqual(
        [whole.kind, whole.isError, whole.message],
        ['consumer', true, 'postgres://me:***@host refused it'],
      );
      assert.ok(whole.durationMs >= 1000);
    }
  });
});

test('the service has a name and a version: OTEL_SERVICE_NAME before OTEL_RESOURCE_ATTRIBUTES before ours', async (t) => {
  for (const [settings, name] of [
    [{}, 'tributary'],
    [{ resourceAttributes: 'service.name=a%20b,x=1' }, 'a b'],
    [{ resourceAttributes: 'service.name=a', serviceName: 'c' }, 'c'],
  ] as const) {
    const { traces, receiver } = await traced(t, { ...everything, ...settings });
    ofRequest(traces, {})?.end();
    await traces.close();
    assert.deepEqual(
      [receiver.spans[0]?.resource['service.name'], receiver.spans[0]?.resource['service.version']],
      [name, '1.2.3'],
    );
  }
});

function spansInto(exporter: Pick<SpanExporter, 'export'>, options: Omit<SpanExportOptions, 'logger'>) {
  const lines: { spans: number }[] = [];
  const to = { write: (line: string) => void lines.push(JSON.parse(line) as { spans: number }) };
  const full: SpanExporter = {
    export: (spans, done) => exporter.export(spans, done),
    shutdown: async () => undefined,
  };
  const processor = createSpanExport(full, { ...options, logger: createLogger({ level: 'warn', to }) });
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('test');
  const end = (spans: number): void => {
    for (let i = 0; i < spans; i++) tracer.startSpan('one', {}, ROOT_CONTEXT).end();
  };
  return { lines, end, processor };
}

suite('the queue of spans', () => {
  test('has a limit: what a stalled receiver leaves no room for is dropped and counted, and told at most once a minute (D6)', async () => {
    let dropped = 0;
    let nowMs = 0;
    const onSpans = (outcome: string, spans: number): void => void (dropped += outcome === 'dropped' ? spans : 0);
    let answer: (() => void) | undefined;
    const stalled: Pick<SpanExporter, 'export'> = { export: (_spans, done) => void (answer = () => done({ code: 0 })) };
    const { lines, end, processor } = spansInto(stalled, { onSpans, now: () => nowMs });
    end(5000);
    assert.equal(dropped, 5000 - 2048 - 512, 'a batch is under way, and the queue is full');
    nowMs = 59_999;
    end(10);
    assert.deepEqual(
      lines.map(({ spans }) => spans),
      [1],
    );
    nowMs = 60_000;
    end(1);
    assert.deepEqual(
      lines.map(({ spans }) => spans),
      [1, dropped - 1],
    );
    stalled.export = (_spans, done) => done({ code: 0 });
    answer?.();
    await processor.shutdown();
  });

  test('counts what was exported, and as dropped what was refused', async () => {
    const counts = { exported: 0, dropped: 0 };
    let code = 0;
    const { end, processor } = spansInto(
      { export: (_spans, done) => done({ code }) },
      { onSpans: (outcome, spans) => void (counts[outcome] += spans) },
    );
    end(3);
    await processor.forceFlush();
    code = 1;
    end(2);
    await assert.rejects(processor.forceFlush());
    assert.deepEqual(counts, { exported: 3, dropped: 2 });
  });
});
