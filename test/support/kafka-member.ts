/** A process that is a member of a consumer group until it is killed, and tells which partitions it has: `kafka-member.ts PORT CONSUMER TOPIC STATE`. */
import { writeSync } from 'node:fs';
import { groupTimes, openLog } from './kafka-broker.ts';

const [port = '', consumer = '', topic = '', state = ''] = process.argv.slice(2);
const log = await openLog({ host: '127.0.0.1', port: Number(port) }, { groups: groupTimes });
await log.join({
  consumer,
  topic,
  stateId: async () => state,
  onAssigned: (partitions) => writeSync(1, `${partitions.map(({ partition }) => partition).join(' ')}\n`),
  onError: (error) => writeSync(2, `${String(error)}\n`),
});
