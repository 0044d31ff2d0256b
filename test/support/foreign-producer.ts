/** Transactions of another program's: the client's own producer, which leaves them open, commits or aborts them as a test says. */
import { randomUUID } from 'node:crypto';
import { Producer, stringSerializers } from '@platformatic/kafka';
import type { Address } from './kafka-broker.ts';

type Strings = Awaited<ReturnType<Producer<string, string, string, string>['beginTransaction']>>;

export class ForeignProducer {
  readonly #producer: Producer<string, string, string, string>;
  #open: Strings | undefined;

  constructor({ host, port }: Address) {
    this.#producer = new Producer({
      clientId: 'foreign',
      bootstrapBrokers: [`${host}:${port}`],
      serializers: stringSerializers,
      idempotent: true,
      transactionalId: `foreign-${randomUUID()}`,
      retries: 100,
      retryDelay: 5,
    });
  }

  /** In the transaction that is open, or a new one. */
  async send(topic: string, partition: number, values: readonly string[]): Promise<void> {
    this.#open ??= await this.#producer.beginTransaction();
    await this.#open.send({ messages: values.map((value) => ({ topic, partition, key: value, value })) });
  }

  async end(how: 'commit' | 'abort'): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.[how]();
  }

  async close(): Promise<void> {
    await this.end('abort');
    await this.#producer.close();
  }
}
