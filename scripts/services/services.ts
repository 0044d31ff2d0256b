/** Real servers for development, tests and CI: `npm run services -- up | down | status [name...]`. */
import { join } from 'node:path';
import { cacheDir } from './cache.ts';
import { connect } from './connect.ts';
import { kafka } from './kafka.ts';
import { registry } from './registry.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { s3 } from './s3.ts';
import { RunningService } from './running-service.ts';
import type { Service } from './service.ts';

const all: readonly Service[] = [kafka, registry, s3, postgres, redis, connect];

const actions = {
  up: async (one: RunningService) => {
    await one.up();
    return one.service.address;
  },
  down: async (one: RunningService) => {
    await one.down();
    return 'down';
  },
  status: async (one: RunningService) => ((await one.isReady()) ? `up ${one.service.address}` : 'down'),
};

const [name = '', ...wanted] = process.argv.slice(2);
const unknown = wanted.filter((each) => !all.some((service) => service.name === each));
const action = Object.hasOwn(actions, name) ? actions[name as keyof typeof actions] : undefined;
if (action === undefined || unknown.length > 0) {
  console.error(`usage: npm run services -- up | down | status [${all.map((service) => service.name).join(' | ')}]`);
  process.exitCode = 2;
} else {
  const chosen = all.filter((service) => wanted.length === 0 || wanted.includes(service.name));
  for (const service of chosen)
    console.log(`${service.name} ${await action(new RunningService(service, join(cacheDir, 'run', service.name)))}`);
}
