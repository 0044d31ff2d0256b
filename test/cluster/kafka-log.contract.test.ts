import { randomUUID } from 'node:crypto';
import { openKafkaLogReader } from '../../src/log/kafka/kafka-log-reader.ts';
import { openKafkaLog } from '../../src/log/kafka/kafka-log.ts';
import { logContract } from '../contracts/log.ts';
import { sharedBroker } from '../support/kafka-broker.ts';

logContract('Kafka', async () => {
  const brokers = [sharedBroker];
  const transactionalId = `contract-${randomUUID()}`;
  return {
    open: () => openKafkaLog({ brokers, transactionalId }),
    openReader: () => openKafkaLogReader({ brokers }),
    dispose: async () => undefined,
  };
});
