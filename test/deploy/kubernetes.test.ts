/**
 * The manifests of deploy/kubernetes as each environment gets them: by the types of Kubernetes itself (a field that is not known, or of
 * another type, does not compile), and beside the program: variables, ports, probes, times. No cluster is asked.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { promisify } from 'node:util';
import { createServer } from '../../src/api/server.ts';
import { loadConfig, variables } from '../../src/config/config.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { environments, ofKind, type Resource, resourcesOf, secretsOf } from './environment.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'deploy/Dockerfile'), 'utf8');

/** Where Kubernetes keeps the types of what there is here. */
const modules: Readonly<Record<Resource['kind'], string>> = {
  StatefulSet: 'kubernetes-models/apps/v1',
  PodDisruptionBudget: 'kubernetes-models/policy/v1',
  ConfigMap: 'kubernetes-models/v1',
  Service: 'kubernetes-models/v1',
  ServiceAccount: 'kubernetes-models/v1',
};

/** Of the form that each secret has. */
const exampleOf: Readonly<Record<string, string>> = {
  TRIBUTARY_ADMIN_TOKEN: 'a-token-of-24-characters',
  DATABASE_URL: 'postgres://tributary:secret@postgres:5432/lake',
  REDIS_URL: 'redis://:secret@redis:6379',
  AWS_ACCESS_KEY_ID: 'id',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

/** What tsc says of literals of the resources' types. */
async function compile(resources: readonly Resource[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'tributary-manifests-'));
  try {
    await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    const literals = resources.map((one, i) => {
      const type = `import('${modules[one.kind]}').I${one.kind}`;
      return `export const resource${i}: ${type} = ${JSON.stringify(one, null, 2)};`;
    });
    await writeFile(join(dir, 'manifests.ts'), literals.join('\n'));
    const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--skipLibCheck', '--types', ''];
    const tsc = join(root, 'node_modules/.bin/tsc');
    return await run(tsc, [...flags, 'manifests.ts'], { cwd: dir }).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout: string }) => error.stdout,
    );
  } finally {
    await rm(dir, { recursive: true });
  }
}

const alwaysReady = async () => ({ ready: true, parts: {} });

for (const name of environments)
  suite(`deploy/kubernetes/${name}`, () => {
    const resources = resourcesOf(name);
    const [statefulSet, ...others] = ofKind(resources, 'StatefulSet');
    const pod = statefulSet?.spec?.template.spec;
    const container = pod?.containers[0];
    const [settings] = ofKind(resources, 'ConfigMap');
    const given = { ...settings?.data, ...Object.fromEntries(secretsOf(name).map((one) => [one, exampleOf[one]])) };
    const config = loadConfig({ env: given, flags: {}, workingDir: root });

    test('is one node set of one container, with fields that Kubernetes knows', async () => {
      assert.deepEqual([others.length, pod?.containers.length], [0, 1]);
      assert.equal(await compile(resources), '');
      const misspelt = structuredClone(resources) as unknown as { spec?: Record<string, unknown> }[];
      for (const { spec } of misspelt) if (spec && 'replicas' in spec) spec['replica'] = 1;
      assert.match(await compile(misspelt as unknown as Resource[]), /"replica"' does not exist/);
    });

    test('sets what the program knows, and nothing else; secrets are no part of the ConfigMap', () => {
      for (const variable of Object.keys(given))
        assert.ok(Object.hasOwn(variables, variable) || variable.startsWith('AWS_'), `${variable} is no setting`);
      for (const variable of Object.keys(settings?.data ?? {})) {
        assert.doesNotMatch(variable, /PASSWORD|SECRET|TOKEN|DATABASE_URL|REDIS_URL/);
        assert.ok(!secretsOf(name).includes(variable), `${variable} is given twice`);
      }
      assert.deepEqual(container?.envFrom, [
        { configMapRef: { name: settings?.metadata?.name } },
        { secretRef: { name: 'tributary' } },
      ]);
    });

    test('D8: who sends has time to see that a node goes, and the node time to end what it has', () => {
      const graceMs = (pod?.terminationGracePeriodSeconds ?? 0) * 1000;
      assert.ok(graceMs >= config.drainTimeoutMs + 5_000, 'the kill comes after the drain');
      const { periodSeconds = 10, failureThreshold = 3 } = container?.readinessProbe ?? {};
      assert.ok(config.drainGraceMs >= periodSeconds * failureThreshold * 1000, 'unready is seen before it is refused');
      assert.equal(statefulSet?.spec?.updateStrategy?.type, 'RollingUpdate');
    });

    test('a drain of machines takes one node at a time', () => {
      const [budget] = ofKind(resources, 'PodDisruptionBudget');
      assert.equal(budget?.spec?.maxUnavailable, 1);
      assert.deepEqual(budget.spec.selector, statefulSet?.spec?.selector);
    });

    test('probes ask what the server answers, on the port on which it listens', async (t) => {
      const server = createServer({
        logger: createLogger({ level: 'silent' }),
        metrics: createMetrics().registry,
        health: alwaysReady,
      });
      t.after(() => server.close());
      const { startupProbe, readinessProbe, livenessProbe } = container ?? {};
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
        assert.equal(probe?.httpGet?.port, 'http');
        assert.equal((await server.inject({ url: probe.httpGet.path ?? '' })).statusCode, 200);
      }
      assert.equal(readinessProbe?.httpGet?.path, '/health/ready');
      assert.equal(livenessProbe?.httpGet?.path, '/health/live'); // a server that is down restarts no node
      assert.deepEqual(container?.ports, [{ name: 'http', containerPort: config.port }]);
    });

    test('services lead to the nodes, by names that are used', () => {
      const services = ofKind(resources, 'Service');
      for (const { spec } of services) {
        assert.deepEqual(spec?.selector, statefulSet?.spec?.selector.matchLabels);
        assert.deepEqual(
          spec?.ports?.map(({ targetPort }) => targetPort),
          ['http'],
        );
      }
      const headless = services.find(({ spec }) => spec?.clusterIP === 'None');
      assert.equal(statefulSet?.spec?.serviceName, headless?.metadata?.name);
      assert.deepEqual(statefulSet?.spec?.selector.matchLabels, statefulSet?.spec?.template.metadata?.labels);
      assert.equal(pod?.serviceAccountName, ofKind(resources, 'ServiceAccount')[0]?.metadata?.name);
    });

    test('runs the image as it is made: its data directory, its user, nothing else to write to', () => {
      const dataDir = /TRIBUTARY_DATA_DIR=(\S+)/.exec(dockerfile)?.[1];
      const mounts = Object.fromEntries((container?.volumeMounts ?? []).map((one) => [one.name, one.mountPath]));
      assert.deepEqual(mounts, { data: dataDir, keys: `${dataDir}/keys`, tmp: '/tmp' });
      const claims = statefulSet?.spec?.volumeClaimTemplates?.map(({ metadata }) => metadata?.name) ?? [];
      const volumes = new Set([...claims, ...(pod?.volumes ?? []).map((volume) => volume.name)]);
      assert.deepEqual(volumes, new Set(Object.keys(mounts)));
      assert.match(container?.image ?? '', /:\d+\.\d+\.\d+$/);
      assert.deepEqual([pod?.securityContext?.runAsNonRoot, pod?.securityContext?.runAsUser], [true, 1000]); // node's
      assert.equal(container?.securityContext?.readOnlyRootFilesystem, true);
      for (const amounts of [container.resources?.requests, container.resources?.limits])
        assert.deepEqual(Object.keys(amounts ?? {}).toSorted(), ['cpu', 'memory']);
    });
  });
