/** A process that appends packages to Kafka until it is killed, and tells which were acknowledged, and of others why not: `kafka-appender.ts PORT ID TOPIC PREFIX`. */
import { writeSync } from 'node:fs';
import { isFault } from '../../src/errors.ts';
import { appendTexts } from './kafka-records.ts';
import { openLog } from './kafka-broker.ts';

const [port = '', transactionalId = '', topic = '', prefix = ''] = process.argv.slice(2);
const log = await openLog({ host: '127.0.0.1', port: Number(port) }, { transactionalId, transactionTimeoutMs: 1_500 });
await log.ensureTopics([{ name: topic, partitions: 3 }]);
await Promise.all(
  Array.from({ length: 8 }, async (_, producer) => {
    for (let i = 0; ; i += 1) {
      const id = `${prefix}.${producer}.${i}`;
      try {
        await appendTexts(log, topic, [`${id}/0`, `${id}/1`, `${id}/2`, `${id}/3`]);
        writeSync(1, `${id}\n`);
      } catch (error) {
        tell(error, id);
        await log.room(AbortSignal.timeout(30_000)).catch((why: unknown) => {
          tell(why, 'and all that comes');
          throw why; // it takes nothing any more: this ends the process
        });
      }
    }
  }),
);

function tell(error: unknown, what: string): void {
  writeSync(1, `${isFault(error) ? error.code : String(error)} ${what}\n`);
}
