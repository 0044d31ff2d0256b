/** Real Kafka brokers: the one of `npm run services -- up kafka`, which tests share, and others of their own, which they may kill. */
import { addressOf } from '../../src/engine/kafka-engine-log.ts';
import { freePorts } from '../../src/services/free-ports.ts';
import { randomUUID } from 'node:crypto';
import { kafka, kafkaOf, type SecureListener } from '../../src/services/kafka.ts';
import type { Service } from '../../src/services/service.ts';
import { type KafkaLogOptions, openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import type { Log } from '../../src/log/log.ts';
import { KafkaProxy } from './kafka-proxy.ts';
import { type OwnService, ownService } from './own-service.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Of the broker that tests share: topics and ids must be their own. */
export const sharedBroker: Address = addressOf(kafka.address);

/** As short as brokers let them be, so that tests wait no longer. */
export const groupTimes = { sessionTimeoutMs: 6_000, heartbeatMs: 200 };

export interface OwnBroker extends OwnService {
  readonly address: Address;
}

export async function ownBroker(): Promise<OwnBroker> {
  const [broker] = await ownCluster(1);
  return broker!;
}

/** Several that are one cluster: what one of them loses, the others have. */
export async function ownCluster(size: number): Promise<readonly OwnBroker[]> {
  const ports = await freePorts(2 * size);
  const nodes = Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    port: ports[2 * i]!,
    controllerPort: ports[2 * i + 1]!,
  }));
  return Promise.all(kafkaOf(nodes).map(startOwn));
}

export interface ProxiedBroker extends OwnBroker {
  readonly proxy: KafkaProxy;
}

/** Its `address` is the proxy's. */
export async function ownProxiedBroker(): Promise<ProxiedBroker> {
  const [port, controllerPort, proxiedPort] = await freePorts(3);
  const proxy = await KafkaProxy.to(proxiedPort!);
  const proxied = { port: proxiedPort!, advertisedPort: proxy.port };
  const [service] = kafkaOf([{ id: 1, port: port!, controllerPort: controllerPort!, proxied }]);
  const broker = await startOwn(service!);
  const dispose = async (): Promise<void> => {
    await broker.dispose();
    await proxy.close();
  };
  return { ...broker, address: { host: '127.0.0.1', port: proxy.port }, proxy, dispose };
}

export interface SecureBroker extends OwnBroker {
  /** Where one has to log in. */
  readonly secureAddress: Address;
}

export async function ownSecureBroker(login: Omit<SecureListener, 'port'>): Promise<SecureBroker> {
  const [port, controllerPort, securePort] = await freePorts(3);
  const secure = { ...login, port: securePort! };
  const [service] = kafkaOf([{ id: 1, port: port!, controllerPort: controllerPort!, secure }]);
  return { ...(await startOwn(service!)), secureAddress: { host: 'localhost', port: secure.port } };
}

async function startOwn(service: Service): Promise<OwnBroker> {
  return { ...(await ownService(service)), address: addressOf(service.address) };
}

export async function openLog(address: Address, options: Partial<KafkaLogOptions> = {}): Promise<Log> {
  return openKafkaLog({ brokers: [address], transactionalId: `test-${randomUUID()}`, ...options });
}
