/**
 * OpenTelemetry's own variables, by its rules: one for traces wins over the one for all signals, an empty one is not set, and
 * where the SDK is disabled or traces go nowhere the rest does not count.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Those that give a setting as they are. */
export const otelVariables = {
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'traces.endpoint',
  OTEL_EXPORTER_OTLP_HEADERS: 'traces.headers',
  OTEL_SERVICE_NAME: 'traces.serviceName',
  OTEL_RESOURCE_ATTRIBUTES: 'traces.resourceAttributes',
  OTEL_TRACES_SAMPLER: 'traces.sampler',
  OTEL_TRACES_SAMPLER_ARG: 'traces.sampleRatio',
} as const;

/** What may hold a secret: not for child processes. */
export const otelSecrets = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'] as const;

/** Whether the environment turns traces off, also those that the file configures. */
export function tracesAreOff(env: Environment): boolean {
  return (
    env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' ||
    env['OTEL_TRACES_EXPORTER']?.trim().toLowerCase() === 'none'
  );
}

/** Those that give a setting in another way; they come before `otelVariables`, or win over them. */
export function derivedVariables(env: Environment) {
  const forAll = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  const headers = env['OTEL_EXPORTER_OTLP_TRACES_HEADERS'] ?? '';
  const isNamed = (env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '') !== '';
  return [
    ...(forAll === '' || isNamed
      ? []
      : [
          {
            variable: 'OTEL_EXPORTER_OTLP_ENDPOINT',
            setting: 'traces.endpoint',
            value: `${withSlash(forAll)}v1/traces`,
          },
        ]),
    ...(headers === ''
      ? []
      : [{ variable: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', setting: 'traces.headers', value: headers }]),
  ];
}

const withSlash = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

/** Traces are sent in one way only: another that is asked for is refused, not passed over. */
export function otherProtocols(env: Environment): readonly string[] {
  const name = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'].find(
    (variable) => (env[variable] ?? '') !== '',
  );
  const protocol = name === undefined ? undefined : env[name];
  if (protocol === undefined || protocol === 'http/protobuf') return [];
  return [`${name} in the environment: expected http/protobuf, got ${JSON.stringify(protocol).slice(0, 80)}`];
}
