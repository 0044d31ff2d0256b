/** What `deploy/` names must be there: settings, metrics, files, variables. No container is started here. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { parse } from 'yaml';
import { createProgram } from '../../src/cli/commands.ts';
import { loadConfig, variables } from '../../src/config/config.ts';
import { batches } from '../../apps/rates/batches.ts';
import { grantStatements } from '../../src/sinks/postgres/grants.ts';
import { bulkGrants } from '../../src/sources/bulk/bulk-grants.ts';

const root = join(import.meta.dirname, '../..');
const deploy = join(root, 'deploy');
const read = (name: string): string => readFileSync(join(deploy, name), 'utf8');

interface ServiceOfCompose {
  readonly image: string;
  readonly command?: readonly string[];
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly string[];
  readonly stop_grace_period?: string;
}

const compose = parse(read('compose.yaml')) as {
  readonly services: Readonly<Record<string, ServiceOfCompose>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, { readonly environment: string }>>;
};
const services = Object.entries(compose.services);
const { tributary } = compose.services;
const listed = new Set([...read('.env.example').matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name as string));
const config = loadConfig({ env: {}, flags: {}, workingDir: root });

suite('deploy/compose.yaml', () => {
  test('sets for Tributary what it knows, and nothing else', () => {
    const known = new Set(Object.keys(variables));
    for (const name of Object.keys(tributary?.environment ?? {}))
      assert.ok(known.has(name) || name.startsWith('AWS_'), name);
  });

  test('pins each image, and publishes ports on this machine only', () => {
    for (const [name, { image, ports = [] }] of services) {
      assert.match(image, image === tributary?.image ? /:local$/ : /:(v?\d+\.\d+(\.\d+)?|RELEASE\.[\dTZ-]+)$/, name);
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+(-\d+)?:\d+$/, name);
    }
  });

  test('mounts files that are there, and volumes and secrets that are declared', () => {
    const used = new Set<string>();
    for (const [name, { volumes = [], secrets = [], depends_on: needed = {} }] of services) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('./')) assert.ok(existsSync(join(deploy, source)), `${name}: ${source}`);
        else if (!source.startsWith('/')) used.add(source);
      }
      for (const secret of secrets) assert.ok(secret in compose.secrets, `${name}: ${secret}`);
      for (const other of Array.isArray(needed) ? needed : Object.keys(needed))
        assert.ok(String(other) in compose.services, `${name}: ${String(other)}`);
    }
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted());
  });

  test('takes from .env what .env.example lists, all of it, and holds no secret itself', () => {
    const text = read('compose.yaml');
    const asked = [...text.matchAll(/(?<!\$)\$\{([A-Z0-9_]+):\?/g)].map(([, name]) => name as string);
    asked.push(...Object.values(compose.secrets).map(({ environment }) => environment));
    assert.deepEqual([...new Set(asked)].toSorted(), [...listed].toSorted());
    for (const [name, { environment = {} }] of services)
      for (const [variable, value] of Object.entries(environment))
        if (/PASSWORD|SECRET|TOKEN/.test(variable)) assert.match(String(value), /^\$\{/, `${name}: ${variable}`);
  });

  test('its database is loaded, once, by a command that is there and does not ask', async () => {
    const { image, command = [], environment } = compose.services['rates'] ?? assert.fail();
    assert.equal(image, tributary?.image);
    assert.equal(environment?.['DATABASE_URL'], tributary?.environment?.['DATABASE_URL']);
    const [group, name, ...options] = command;
    const program = await createProgram();
    const found = program.commands.find((one) => one.name() === group)?.commands.find((one) => one.name() === name);
    for (const option of options)
      assert.ok(
        found?.options.some(({ long }) => long === option),
        option,
      );
  });

  test('its role has the grants that `tributary warehouse grants` prints', () => {
    const roles = read('postgres/roles.sh');
    const to = { role: 'tributary', database: 'lake' };
    const statements = grantStatements({ ...to, schema: 'public', tables: [] });
    const ofBatches = bulkGrants({ ...to, bulks: [batches], isPrepared: false });
    assert.ok(
      roles.includes(['BEGIN', ...statements, ...ofBatches, 'COMMIT'].map((statement) => `${statement};`).join('\n')),
    );
    assert.match(
      tributary?.environment?.['DATABASE_URL'] as string,
      /^postgres:\/\/tributary:[^@]*@postgres:5432\/lake$/,
    );
  });

  test('gives more time to stop than a drain takes (D8)', () => {
    const seconds = Number(/^(\d+)s$/.exec(tributary?.stop_grace_period ?? '')?.[1]);
    assert.ok(seconds * 1000 > config.drainTimeoutMs);
  });

  test('each node has a data directory of its own, and all have the same keys', () => {
    const dataDir = /TRIBUTARY_DATA_DIR=(\S+)/.exec(read('Dockerfile'))?.[1];
    assert.deepEqual(tributary?.volumes, [dataDir, `keys:${dataDir}/keys`]);
  });
});

suite('deploy/Dockerfile', () => {
  const lines = read('Dockerfile').replaceAll(/\\\n/g, '').split('\n');
  const args = (instruction: string): readonly (readonly string[])[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.split(/\s+/).slice(1));

  test('copies files that are there, and that its .dockerignore lets in', () => {
    const copied = args('COPY').flatMap((words) => (words[0]?.startsWith('--from') ? [] : words.slice(0, -1)));
    const letIn = [...read('Dockerfile.dockerignore').matchAll(/^!(.*)$/gm)].map(([, path]) => path as string);
    assert.deepEqual(copied.toSorted().filter(unique), letIn.toSorted());
    for (const path of copied) assert.ok(existsSync(join(root, path)), path);
  });

  test('runs files that are copied, on the Node.js that the repository pins, and not as root', () => {
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))?.[1] ?? '') as string[];
    const named = [
      entry.at(-1) as string,
      ...[...read('Dockerfile').matchAll(/'\/app\/([^']+)'/g)].map(([, path]) => path as string),
    ];
    assert.equal(named.length, 2);
    for (const path of named) assert.ok(existsSync(join(root, path)), path);
    const { version } = JSON.parse(readFileSync(join(root, 'tools/node/package.json'), 'utf8')) as { version: string };
    for (const [image = ''] of args('FROM')) assert.ok(image.startsWith(`node:${version}-`), image);
    assert.deepEqual(args('USER'), [['node']]);
    assert.ok(existsSync(join(root, dirname('tools/node/package.json'))));
  });
});

suite('Prometheus and Grafana', () => {
  test('/metrics is scraped from the service, with the token that is mounted', () => {
    const { scrape_configs: jobs, rule_files: rules } = parse(read('prometheus.yml')) as {
      rule_files: readonly string[];
      scrape_configs: readonly {
        readonly authorization: { readonly credentials_file: string };
        readonly dns_sd_configs: readonly { readonly names: readonly string[]; readonly port: number }[];
      }[];
    };
    const [job] = jobs;
    for (const file of rules) {
      const mounted = compose.services['prometheus']?.volumes?.find((volume) => volume.endsWith(`:${file}:ro`));
      assert.ok(mounted && existsSync(join(deploy, mounted.split(':')[0] ?? '')), file);
    }
    assert.deepEqual(job?.dns_sd_configs[0]?.names, ['tributary']);
    assert.equal(job.dns_sd_configs[0]?.port, config.port);
    const secret = job.authorization.credentials_file.replace('/run/secrets/', '');
    assert.deepEqual(compose.services['prometheus']?.secrets, [secret]);
    assert.equal(compose.secrets[secret]?.environment, 'TRIBUTARY_ADMIN_TOKEN');
  });

  test('Grafana finds its data source and its dashboards where they are mounted', () => {
    const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yaml')) as {
      datasources: readonly { readonly uid: string; readonly url: string }[];
    };
    const { providers } = parse(read('grafana/provisioning/dashboards/tributary.yaml')) as {
      providers: readonly { readonly options: { readonly path: string } }[];
    };
    const uids = new Set(
      [...read('grafana/dashboards/tributary.json').matchAll(/"type": "prometheus",\s+"uid": "(\w+)"/g)].map(
        ([, uid]) => uid,
      ),
    );
    assert.deepEqual([...uids], [datasources[0]?.uid]);
    assert.equal(URL.parse(datasources[0]?.url ?? '')?.hostname, 'prometheus');
    const mounted = compose.services['grafana']?.volumes?.map((volume) => volume.split(':')[1]);
    assert.ok(mounted?.includes(providers[0]?.options.path));
  });
});

function unique(one: string, index: number, all: readonly string[]): boolean {
  return all.indexOf(one) === index;
}
