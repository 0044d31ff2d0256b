/** Apache Kafka, one broker in KRaft mode, from Maven Central (or the mirror that the machine's Maven is set up with). Needs Java 17 and Maven. */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheDir, execute } from './cache.ts';
import type { Service } from './service.ts';

const version = '4.4.0';
const log4jVersion = '2.25.5';
const libraries = `kafka-${version}`;

export interface KafkaPorts {
  readonly port: number;
  readonly controllerPort: number;
}

export const kafka = kafkaAt({ port: 19_092, controllerPort: 19_093 });

export function kafkaAt({ port, controllerPort }: KafkaPorts): Service {
  return {
    name: 'kafka',
    address: `127.0.0.1:${port}`,
    install: async () => {
      const dir = await cached(libraries, download);
      if ((await readdir(join(dir, 'libs'))).length === 0) throw new Error(`${dir} has no libraries: remove it`);
    },
    prepare: (dir) => prepare(dir, { port, controllerPort }),
    command: (dir) => ({
      file: 'java',
      args: [...java(dir), '-Xms128m', '-Xmx256m', ...classPath(), 'kafka.Kafka', join(dir, 'server.properties')],
    }),
    isReady: (log) => log.includes('Kafka Server started'),
  };
}

async function download(dir: string): Promise<void> {
  const pom = join(dir, 'pom.xml');
  await writeFile(pom, projectFile);
  const target = `-DoutputDirectory=${join(dir, 'libs')}`;
  await execute('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', target]);
}

async function prepare(dir: string, ports: KafkaPorts): Promise<void> {
  const properties = join(dir, 'server.properties');
  await writeFile(properties, serverProperties(dir, ports));
  await writeFile(join(dir, 'log4j2.properties'), logProperties);
  if (await stat(join(dir, 'data', 'meta.properties')).catch(() => undefined)) return;
  const clusterId = 'dHJpYnV0YXJ5LXRlc3RzMA';
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
  await execute('java', [...java(dir), ...classPath(), ...format]);
}

/** Quick to start and small, not quick under load. */
function java(dir: string): readonly string[] {
  const logging = `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`;
  return ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', logging];
}

function classPath(): readonly string[] {
  return ['-cp', join(cacheDir, libraries, 'libs', '*')];
}

/** `kafka-tools-api` names a version of itself that is not published. */
const projectFile = `<project><modelVersion>4.0.0</modelVersion>
<groupId>services</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  <exclusions><exclusion><groupId>org.apache.kafka</groupId><artifactId>kafka-tools-api</artifactId></exclusion></exclusions>
</dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${log4jVersion}</version></dependency>
</dependencies></project>
`;

const logProperties = `rootLogger.level=WARN
rootLogger.appenderRef.console.ref=CONSOLE
appender.console.type=Console
appender.console.name=CONSOLE
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
logger.server.name=kafka.server
logger.server.level=INFO
`;

function serverProperties(dir: string, { port, controllerPort }: KafkaPorts): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
log.dirs=${join(dir, 'data')}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
`;
}
