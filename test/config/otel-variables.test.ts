import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { loadConfig, redacted } from '../../src/config/config.ts';
import { readPairs } from '../../src/config/pairs.ts';
import { isFault } from '../../src/errors.ts';
import { scratch } from '../support/program.ts';

const tracesOf = (env: Readonly<Record<string, string>>, file?: string) =>
  loadConfig({ env, flags: {}, workingDir: import.meta.dirname, file }).traces;

const endpointOf = (env: Readonly<Record<string, string>>) => tracesOf(env).endpoint;

function problemsOf(env: Readonly<Record<string, string>>): string {
  try {
    tracesOf(env);
  } catch (error) {
    assert.ok(isFault(error, 'CONFIG_INVALID'), String(error));
    return error.message;
  }
  return assert.fail('nothing was found wrong');
}

const local = 'http://localhost:4318';

suite('OpenTelemetry’s variables', () => {
  test('the endpoint of all signals gets a path, that of traces is taken as it is and wins; an empty one is not set', () => {
    assert.equal(endpointOf({}), undefined);
    assert.equal(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: local }), `${local}/v1/traces`);
    assert.equal(endpointOf({ OTEL_EXPORTER_OTLP_ENDPOINT: `${local}/otlp/` }), `${local}/otlp/v1/traces`);
    assert.equal(endpointOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${local}/t` }), `${local}/t`);
    const both = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${local}/t` };
    assert.equal(endpointOf(both), `${local}/t`);
    assert.equal(endpointOf({ ...both, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '' }), 'http://other/v1/traces');
  });

  test('win over the file, and turn it off', async (t) => {
    const file = join(await scratch(t), 'tributary.config.json');
    const traces = { endpoint: `${local}/v1/traces`, headers: 'a=1', sampleRatio: 0.5 };
    await writeFile(file, JSON.stringify({ traces }));
    const sampler = 'parentbased_traceidratio';
    assert.deepEqual(tracesOf({}, file), { ...traces, sampler });
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25', OTEL_SERVICE_NAME: 'orders' };
    const changed = { sampler: 'traceidratio', sampleRatio: 0.25, serviceName: 'orders' };
    assert.deepEqual(tracesOf(env, file), { ...traces, ...changed });
    const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'a=2', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=3' };
    assert.equal(tracesOf(headers, file).headers, 'a=3');
    for (const off of [{ OTEL_SDK_DISABLED: 'True' }, { OTEL_TRACES_EXPORTER: 'none' }])
      assert.deepEqual(tracesOf({ ...off, OTEL_TRACES_SAMPLER: 'jaeger_remote' }, file), { sampler, sampleRatio: 1 });
  });

  test('what is wrong is named by its variable, secrets are not shown', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: local };
    for (const [env, message] of [
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'hush:4317' }, /^OTEL_EXPORTER_OTLP_ENDPOINT in the environment: expected a URL/],
      [
        { OTEL_EXPORTER_OTLP_HEADERS: 'hush' },
        /^OTEL_EXPORTER_OTLP_HEADERS in the environment: expected pairs.*secret/,
      ],
      [{ OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'a=hush%0Ab' }, /^OTEL_EXPORTER_OTLP_TRACES_HEADERS in the environment/],
      [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=hush%C3%A9' }, /^OTEL_EXPORTER_OTLP_HEADERS in the environment/],
      [{ OTEL_RESOURCE_ATTRIBUTES: 'a=1,b' }, /^OTEL_RESOURCE_ATTRIBUTES in the environment: expected pairs.*"a=1,b"/],
      [{ OTEL_TRACES_SAMPLER: 'xray' }, /^OTEL_TRACES_SAMPLER in the environment: expected one of always_on/],
      [
        { OTEL_TRACES_SAMPLER_ARG: '2' },
        /^OTEL_TRACES_SAMPLER_ARG in the environment: expected a number from 0 to 1, got 2/,
      ],
      [{ OTEL_TRACES_SAMPLER_ARG: 'half' }, /expected a number from 0 to 1, got "half"/],
      [
        { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
        /^OTEL_EXPORTER_OTLP_PROTOCOL in.*expected http\/protobuf, got "grpc"/,
      ],
    ] as const) {
      assert.match(problemsOf(env), message);
      assert.doesNotMatch(problemsOf(env), /hush/);
    }
    assert.equal(tracesOf({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).endpoint, undefined, 'nothing is sent');
    const forTraces = { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' };
    assert.equal(tracesOf({ ...endpoint, ...forTraces }).endpoint, `${local}/v1/traces`);
  });

  test('headers and the password of the endpoint are redacted', () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://me:hush@host', OTEL_EXPORTER_OTLP_HEADERS: 'a=hush' };
    const shown = redacted(loadConfig({ env, flags: {}, workingDir: import.meta.dirname }));
    assert.deepEqual([shown.traces.endpoint, shown.traces.headers], ['https://me:***@host/v1/traces', '***']);
    assert.doesNotMatch(JSON.stringify(shown), /hush/);
  });
});

suite('pairs', () => {
  test('come back as they were written, whatever the values hold', () => {
    const names = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/);
    const values = fc.string({ unit: 'grapheme' }).filter((value) => /^[^\p{Cc}]*$/u.test(value));
    fc.assert(
      fc.property(fc.dictionary(names, values), (wanted) => {
        const text = Object.entries(wanted)
          .map(([name, value]) => ` ${name} = ${encodeURIComponent(value)} `)
          .join(',');
        assert.deepEqual(Object.fromEntries(readPairs(text) ?? []), { ...wanted });
      }),
    );
  });

  test('are nothing else', () => {
    for (const text of ['a', '=1', 'a b=1', '__proto__=1', 'a=%', 'a=%0d%0ab', 'a=1;b,c'])
      assert.equal(readPairs(text), undefined, text);
    assert.deepEqual(
      [...(readPairs('a==b,,c=') ?? [])],
      [
        ['a', '=b'],
        ['c', ''],
      ],
    );
    fc.assert(fc.property(fc.string(), (text) => void readPairs(text)));
  });
});
