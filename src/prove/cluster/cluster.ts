/**
 * The servers and nodes of the proof, on ports and directories of their own: three brokers, and each other server behind a proxy
 * that can cut it off. All of it ends with the process of the proof, however that ends.
 */
import { join } from 'node:path';
import type { Config } from '../../config/config.ts';
import { loadConfig } from '../../config/config.ts';
import { Fault, isFault } from '../../errors.ts';
import { kafkaOf } from '../../services/kafka.ts';
import { freePorts } from '../../services/free-ports.ts';
import { RunningService } from '../../services/running-service.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { makeTopics } from './make-topics.ts';
import { type Part, partNames, parts } from './parts.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

export interface ProxiedPart {
  readonly name: Part;
  readonly service: RunningService;
  readonly proxy: CuttingProxy;
}

const brokerCount = 3;

export class Cluster {
  readonly dir: string;
  readonly brokers: readonly RunningService[];
  readonly parts: ReadonlyMap<Part, ProxiedPart>;
  readonly #watchdog: Watchdog;

  private constructor(
    dir: string,
    brokers: readonly RunningService[],
    proxied: readonly ProxiedPart[],
    watchdog: Watchdog,
  ) {
    this.dir = dir;
    this.brokers = brokers;
    this.parts = new Map(proxied.map((part) => [part.name, part]));
    this.#watchdog = watchdog;
  }

  /** Resolves when every server takes requests. @param dir an empty one */
  static async start(dir: string): Promise<Cluster> {
    const watchdog = await startWatchdog(dir);
    const ports = [...(await freePorts(2 * brokerCount + 2 * partNames.length))];
    const next = (): number => ports.pop() as number;
    const nodes = Array.from({ length: brokerCount }, (_, i) => ({ id: i + 1, port: next(), controllerPort: next() }));
    const brokers = kafkaOf(nodes).map((broker, i) => new RunningService(broker, join(dir, `kafka-${i + 1}`)));
    const proxied: ProxiedPart[] = [];
    for (const name of partNames) {
      const port = next();
      const service = new RunningService(await parts[name].service(port, next()), join(dir, name));
      proxied.push({ name, service, proxy: await CuttingProxy.to(port) });
    }
    const cluster = new Cluster(dir, brokers, proxied, watchdog);
    const services = [...brokers, ...proxied.map(({ service }) => service)];
    try {
      await installAll(services.slice(brokerCount - 1)); // what brokers need, they share
      await Promise.all(services.map((service) => service.up()));
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Of topics as the configuration lists them, with a copy on each broker. */
  async makeTopics(config: Config): Promise<void> {
    await makeTopics(this.#kafkaAddresses(), config, brokerCount);
  }

  /** By which a node finds everything, through the proxies. */
  nodeEnvironment(): Readonly<Record<string, string>> {
    return this.#environment(({ service, proxy }) => throughPort(service.service.address, proxy.port));
  }

  /** For whoever looks at what is there, past the proxies. */
  directConfig(dataDir: string, system: string, configFile: string | undefined): Config {
    const env = this.#environment(({ service }) => service.service.address);
    return loadConfig({ file: configFile, env, flags: { dataDir, only: system } });
  }

  #environment(address: (part: ProxiedPart) => string): Readonly<Record<string, string>> {
    const others = [...this.parts.values()].map((part) => parts[part.name].environment(address(part)));
    return Object.assign({ KAFKA_BROKERS: this.#kafkaAddresses().join(',') }, ...others) as Record<string, string>;
  }

  #kafkaAddresses(): readonly string[] {
    return this.brokers.map(({ service }) => service.address);
  }

  /** Ends all of it at once: what is kept in its directory is what a crash leaves. */
  async close(): Promise<void> {
    const services = [...this.brokers, ...[...this.parts.values()].map(({ service }) => service)];
    await Promise.all(services.map((service) => service.down('SIGKILL')));
    await Promise.all([...this.parts.values()].map(({ proxy }) => proxy.close()));
    await this.#watchdog.end();
  }
}

/** @throws Fault PROGRAM_MISSING with everything that the machine does not have */
async function installAll(services: readonly RunningService[]): Promise<void> {
  const installed = await Promise.allSettled(services.map(({ service }) => service.install()));
  const errors = installed.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const missing = errors.filter((error) => isFault(error, 'PROGRAM_MISSING'));
  if (missing.length > 0) throw new Fault('PROGRAM_MISSING', missing.map(({ message }) => message).join('. '));
  if (errors.length > 0) throw errors[0];
}

function throughPort(address: string, port: number): string {
  const url = new URL(address);
  url.port = String(port);
  return url.pathname === '/' ? url.origin : url.href;
}
