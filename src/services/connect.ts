/**
 * A Kafka Connect worker in distributed mode, with Kafka's own file connectors, from Maven Central (or the mirror that the machine's
 * Maven is set up with). Keeps what it knows in topics of the Kafka service, which must be up. Needs Java 17 and Maven.
 */
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheDir, execute } from './cache.ts';
import { kafka } from './kafka.ts';
import type { Service } from './service.ts';

/** Of Connect, not of the broker: the newest that is published with connect-file. */
const version = '4.3.1';
const log4jVersion = '2.25.5';
const libraries = `connect-${version}`;

const port = 18_083;

export const connect: Service = {
  name: 'connect',
  address: `http://127.0.0.1:${port}`,
  install: async () => {
    const dir = await cached(libraries, download);
    if ((await readdir(join(dir, 'libs'))).length === 0) throw new Error(`${dir} has no libraries: remove it`);
  },
  prepare: async (dir) => {
    await writeFile(join(dir, 'worker.properties'), workerProperties());
    await writeFile(join(dir, 'log4j2.properties'), logProperties);
  },
  command: (dir) => ({ file: 'java', args: argumentsOf(dir) }),
  isReady: (log) => log.includes('Finished starting connectors and tasks'),
};

function argumentsOf(dir: string): readonly string[] {
  const jars = ['-cp', join(cacheDir, libraries, 'libs', '*')];
  const logging = `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`;
  const small = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xmx256m'];
  return [
    ...small,
    logging,
    ...jars,
    'org.apache.kafka.connect.cli.ConnectDistributed',
    join(dir, 'worker.properties'),
  ];
}

async function download(dir: string): Promise<void> {
  const pom = join(dir, 'pom.xml');
  await writeFile(pom, projectFile);
  const target = `-DoutputDirectory=${join(dir, 'libs')}`;
  await execute('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', target]);
}

const dependencies = [
  ...['connect-runtime', 'connect-file', 'connect-json'].map((name) => ['org.apache.kafka', name, version]),
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', log4jVersion],
];

const projectFile = `<project><modelVersion>4.0.0</modelVersion>
<groupId>services</groupId><artifactId>connect</artifactId><version>1</version><dependencies>
${dependencies
  .map(
    ([group, name, of]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${of}</version></dependency>`,
  )
  .join('\n')}
</dependencies></project>
`;

const logProperties = `rootLogger.level=WARN
rootLogger.appenderRef.console.ref=CONSOLE
appender.console.type=Console
appender.console.name=CONSOLE
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
logger.herder.name=org.apache.kafka.connect.runtime.distributed
logger.herder.level=INFO
`;

function workerProperties(): string {
  const topics = ['config', 'offset', 'status'].map(
    (what) => `${what}.storage.topic=connect-services-${what}\n${what}.storage.replication.factor=1\n`,
  );
  return `bootstrap.servers=${kafka.address}
group.id=connect-services
${topics.join('')}offset.storage.partitions=1
status.storage.partitions=1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
offset.flush.interval.ms=1000
listeners=http://127.0.0.1:${port}
rest.advertised.host.name=127.0.0.1
`;
}
