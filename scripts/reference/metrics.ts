/** Every metric of ours, as the process registers it. */
import { addLiveGauges } from '../../src/telemetry/live-gauges.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { code, plain, table } from './markdown.ts';

export async function metricsPage(): Promise<string> {
  const { registry } = createMetrics();
  addLiveGauges(registry, { lag: async () => [], ingestBytes: () => 0, pool: () => undefined });
  const all = await registry.getMetricsAsJSON();
  const rows = all
    .filter(({ name }) => name.startsWith('tributary_'))
    .map(({ name, help }) => {
      const metric = registry.getSingleMetric(name);
      return [code(name), kindOf(metric), labelsOf(metric).map(code).join(', '), plain(help)];
    });
  return `# Metrics

\`/metrics\` serves these for Prometheus, beside those of the Node.js process (\`process_*\`, \`nodejs_*\`). Once a processor has caught up,
ingested = landed in each sink + dropped + dead-lettered at the processor.

${table(['metric', 'kind', 'labels', 'counts'], rows)}
`;
}

function kindOf(metric: unknown): string {
  return (metric as object).constructor.name.toLowerCase();
}

/** prom-client keeps them, but says nothing of it in its types. */
function labelsOf(metric: unknown): readonly string[] {
  return (metric as { labelNames?: readonly string[] }).labelNames ?? [];
}
