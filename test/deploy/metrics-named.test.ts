/** Every metric that dashboards and alerts name is one that the program tells, with the labels that they name. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.ts';
import { addLiveGauges } from '../../src/telemetry/live-gauges.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const root = join(import.meta.dirname, '../..');
const deploy = join(root, 'deploy');
/** Given by Prometheus, to all that it scrapes. */
const ofScrapes = ['job', 'instance'];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const dashboards = readdirSync(join(deploy, 'grafana/dashboards')).map((file) => ({
  file,
  dashboard: JSON.parse(readFileSync(join(deploy, 'grafana/dashboards', file), 'utf8')) as Dashboard,
}));
const { groups } = parse(readFileSync(join(deploy, 'alerts.yml'), 'utf8')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** By the names of its series: a histogram has three. */
async function seriesThere(): Promise<ReadonlyMap<string, readonly string[]>> {
  const { registry } = createMetrics();
  addLiveGauges(registry, { lag: async () => [], ingestBytes: () => 0, pool: () => undefined });
  const there = new Map<string, readonly string[]>();
  for (const { name, type } of await registry.getMetricsAsJSON()) {
    const { labelNames = [] } = registry.getSingleMetric(name) as unknown as {
      readonly labelNames?: readonly string[];
    };
    const endings = ['histogram', 'summary'].includes(String(type)) ? ['_bucket', '_sum', '_count'] : [''];
    for (const ending of endings) there.set(name + ending, ending === '_bucket' ? [...labelNames, 'le'] : labelNames);
  }
  return there.set('up', []);
}

interface Named {
  readonly metrics: readonly string[];
  /** In matchers and behind `by`. */
  readonly labels: readonly string[];
}

/** Of a query; functions and keywords are what is followed by a bracket, or stands between. */
function namesIn(expr: string): Named {
  const grouped = [...expr.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(/\s*,\s*/),
  );
  const matched = [...expr.matchAll(/\{([^}]*)\}/g)].flatMap(([, list = '']) =>
    [...list.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label = '']) => label),
  );
  const bare = expr.replaceAll(/"[^"]*"|\{[^}]*\}|\[[^\]]*\]/g, '').replaceAll(/\b(?:by|without)\s*\([^)]*\)/g, '');
  const words = [...bare.matchAll(/\b[a-z_]\w*\b(?!\s*\()/gi)].map(([word]) => word);
  const keywords = new Set(['or', 'and', 'unless', 'bool', 'sum', 'max', 'min', 'avg', 'count']);
  return { metrics: words.filter((word) => !keywords.has(word)), labels: [...grouped, ...matched].filter(Boolean) };
}

function checkNamed(where: string, expr: string, there: ReadonlyMap<string, readonly string[]>): void {
  const { metrics, labels } = namesIn(expr);
  assert.ok(metrics.length > 0, `${where} names no metric: ${expr}`);
  for (const metric of metrics) {
    const known = there.get(metric);
    assert.ok(known, `${where}: there is no metric ${metric}`);
    for (const label of labels)
      assert.ok([...known, ...ofScrapes].includes(label), `${where}: ${metric} has no label ${label}`);
  }
  for (const [open, close] of ['()', '{}', '[]'])
    assert.equal(expr.split(open as string).length, expr.split(close as string).length, `${where}: ${expr}`);
}

suite('what deploy/ names of metrics', () => {
  test('every metric and label of the dashboards exists', async () => {
    const there = await seriesThere();
    let checked = 0;
    for (const { file, dashboard } of dashboards)
      for (const { title, targets = [] } of dashboard.panels)
        for (const { expr, legendFormat } of targets) {
          checkNamed(`${file}, ${title}`, expr, there);
          const { labels } = namesIn(expr);
          for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
            if (/\bby\b/.test(expr)) assert.ok(labels.includes(label), `${file}, ${title}: ${label} is summed away`);
          checked += 1;
        }
    assert.ok(checked > 40, `only ${checked} were checked`);
  });

  test('every metric and label of the alerts exists', async () => {
    const there = await seriesThere();
    for (const { alert, expr } of rules) checkNamed(alert, expr, there);
    assert.ok(rules.length > 10);
  });

  test('all that is told of queues, pools, phases and lag is on a dashboard', async () => {
    const shown = dashboards.flatMap(({ dashboard }) => dashboard.panels.flatMap(({ targets = [] }) => targets));
    const named = new Set(shown.flatMap(({ expr }) => namesIn(expr).metrics));
    for (const name of (await seriesThere()).keys())
      if (/^tributary_.*(?:queue|connections|in_progress|lag|_bucket)/.test(name)) assert.ok(named.has(name), name);
  });

  test('panels have numbers of their own, and do not lie on each other', () => {
    assert.equal(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size, dashboards.length);
    for (const { file, dashboard } of dashboards) {
      assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length, file);
      const cells = new Set<string>();
      for (const { title, gridPos: at } of dashboard.panels)
        for (let x = at.x; x < at.x + at.w; x++)
          for (let y = at.y; y < at.y + at.h; y++) {
            assert.ok(x < 24 && !cells.has(`${x},${y}`), `${file}, ${title}`);
            cells.add(`${x},${y}`);
          }
    }
  });

  test('each alert says what it is and what to do, and has a name of its own', () => {
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, for: lasts = '1m', labels, annotations } of rules) {
      assert.match(alert, /^Tributary[A-Z]\w+$/);
      assert.match(lasts, /^\d+[smh]$/, alert);
      assert.ok(['critical', 'warning'].includes(labels.severity), alert);
      assert.ok(annotations.summary.length > 10 && annotations.description.length > 10, alert);
    }
  });

  test('labels that texts of alerts show are left by their queries', async () => {
    const there = await seriesThere();
    for (const { alert, expr, annotations } of rules) {
      const { metrics, labels } = namesIn(expr);
      const left = /\bby\b/.test(expr) ? labels : [...(there.get(metrics[0] ?? '') ?? []), ...ofScrapes];
      for (const text of Object.values(annotations))
        for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g))
          assert.ok(left.includes(label), `${alert}: ${label}`);
    }
  });

  test('the limit of what waits for the log is that of the configuration', () => {
    const { ingest } = loadConfig({ env: {}, flags: {}, workingDir: root });
    const limits = rules.flatMap(({ expr }) => /tributary_queue_bytes.*\* (\d+)$/.exec(expr)?.[1] ?? []);
    assert.deepEqual(limits.map(Number), [ingest.maxInFlightBytes]);
  });
});
