/** Apache Kafka in KRaft mode, one broker or several, from Maven Central (or the mirror that the machine's Maven is set up with). Needs Java 17 and Maven. */
import { randomBytes } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, cacheDir, execute } from './cache.ts';
import { needProgram } from './needed-program.ts';
import type { Service } from './service.ts';

const version = '4.4.0';
const log4jVersion = '2.25.5';
const libraries = `kafka-${version}`;

/** A broker, which is a controller, too. */
export interface KafkaNode {
  /** From 1. */
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** A listener for those who log in, by TLS. Default: none. */
  readonly secure?: SecureListener;
  /** A listener whose clients are told to come to another port, where something stands between. Default: none. */
  readonly proxied?: { readonly port: number; readonly advertisedPort: number };
}

export interface SecureListener {
  readonly port: number;
  /** Private key and certificate, which is for localhost. */
  readonly pemFile: string;
  readonly username: string;
  readonly password: string;
}

/** What differs from a broker for tests. */
export interface KafkaTuning {
  /** Default: a small heap, and a Java that starts quickly and is not quick under load. */
  readonly heapMegabytes?: number;
  /** As in server.properties. */
  readonly settings?: Readonly<Record<string, string>>;
}

export const kafka = kafkaOf([{ id: 1, port: 19_092, controllerPort: 19_093 }])[0]!;

/** A cluster, a service each; its topics have as many replicas as it has nodes. Each needs the others to start. */
export function kafkaOf(nodes: readonly KafkaNode[], tuning: KafkaTuning = {}): readonly Service[] {
  const clusterId = `A${randomBytes(16).toString('base64url').slice(1)}`; // no hyphen in front, which would be an option
  return nodes.map((node) => ({
    name: 'kafka',
    address: `127.0.0.1:${node.port}`,
    install: async () => {
      await needProgram('java', ['-version'], 'Kafka needs Java 17 or newer');
      const dir = await cached(libraries, download);
      if ((await readdir(join(dir, 'libs'))).length === 0) throw new Error(`${dir} has no libraries: remove it`);
    },
    prepare: (dir) =>
      prepare(dir, formatOptions(clusterId, node), serverProperties(dir, node, nodes) + lines(tuning.settings)),
    command: (dir) => ({
      file: 'java',
      args: [...javaUnder(dir, tuning), ...classPath(), 'kafka.Kafka', join(dir, 'server.properties')],
    }),
    isReady: (log) => log.includes('Kafka Server started'),
  }));
}

async function download(dir: string): Promise<void> {
  await needProgram('mvn', ['--version'], 'Kafka comes from Maven Central by Maven');
  const pom = join(dir, 'pom.xml');
  await writeFile(pom, projectFile);
  const target = `-DoutputDirectory=${join(dir, 'libs')}`;
  await execute('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', target]);
}

function formatOptions(clusterId: string, { secure }: KafkaNode): readonly string[] {
  const { username, password } = secure ?? {};
  const user = secure ? ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`] : [];
  return ['-t', clusterId, ...user];
}

async function prepare(dir: string, options: readonly string[], settings: string): Promise<void> {
  const properties = join(dir, 'server.properties');
  await writeFile(properties, settings);
  await writeFile(join(dir, 'log4j2.properties'), logProperties);
  if (await stat(join(dir, 'data', 'meta.properties')).catch(() => undefined)) return;
  const format = ['kafka.tools.StorageTool', 'format', ...options, '-c', properties];
  await execute('java', [...java(dir), ...classPath(), ...format]);
}

function javaUnder(dir: string, { heapMegabytes }: KafkaTuning): readonly string[] {
  if (heapMegabytes === undefined) return [...java(dir), '-Xms128m', '-Xmx256m'];
  return [logging(dir), `-Xms${heapMegabytes}m`, `-Xmx${heapMegabytes}m`, '-XX:+UseG1GC'];
}

/** Quick to start and small, not quick under load. */
function java(dir: string): readonly string[] {
  return ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', logging(dir)];
}

function logging(dir: string): string {
  return `-Dlog4j2.configurationFile=${join(dir, 'log4j2.properties')}`;
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

function serverProperties(dir: string, node: KafkaNode, nodes: readonly KafkaNode[]): string {
  const { id, port, controllerPort, secure, proxied } = node;
  const voters = nodes.map((each) => `${each.id}@127.0.0.1:${each.controllerPort}`).join(',');
  const [own, told] = proxied
    ? [`,PROXIED://127.0.0.1:${proxied.port}`, `,PROXIED://127.0.0.1:${proxied.advertisedPort}`]
    : ['', ''];
  const login = secure ? `,SASL_SSL://localhost:${secure.port}` : '';
  const replicas = nodes.length;
  const inSync = Math.max(1, replicas - 1);
  return `process.roles=broker,controller
node.id=${id}
controller.quorum.voters=${voters}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}${login}${own}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}${login}${told}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,PROXIED:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs=${join(dir, 'data')}
auto.create.topics.enable=false
default.replication.factor=${replicas}
min.insync.replicas=${inSync}
offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${inSync}
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
share.coordinator.state.topic.replication.factor=${replicas}
share.coordinator.state.topic.min.isr=${inSync}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
${secure ? loginProperties(secure) : ''}`;
}

function lines(settings: Readonly<Record<string, string>> = {}): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function loginProperties({ pemFile, username, password }: SecureListener): string {
  const modules = 'org.apache.kafka.common.security';
  return `sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=${modules}.plain.PlainLoginModule required user_${username}="${password}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${modules}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=${pemFile}
`;
}
