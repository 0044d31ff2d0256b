/** A process that appends packages to Kafka until it is killed, and tells which were acknowledged: `kafka-appender.ts PORT ID TOPIC PREFIX`. */
import { writeSync } from 'node:fs';
import { appendTexts } from './kafka-records.ts';
import { openLog } from './kafka-broker.ts';

const [port = '', transactionalId = '', topic = '', prefix = ''] = process.argv.slice(2);
const log = await openLog({ host: '127.0.0.1', port: Number(port) }, { transactionalId });
await log.ensureTopics([{ name: topic, partitions: 3 }]);
await Promise.all(
  Array.from({ length: 8 }, async (_, producer) => {
    for (let i = 0; ; i += 1) {
      const id = `${prefix}.${producer}.${i}`;
      await appendTexts(log, topic, [`${id}/0`, `${id}/1`, `${id}/2`, `${id}/3`]);
      writeSync(1, `${id}\n`);
    }
  }),
);
