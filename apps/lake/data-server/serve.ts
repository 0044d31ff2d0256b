/**
 * The data server as a program: `node apps/lake/data-server/serve.ts [--port 9090] [--seed S] [--push-to URL] [--speed N] [--calm]`
 *
 * With `--push-to http://localhost:8000/webhook/events` it pushes events as well. `--calm`: no faults until `PUT /faults` asks for some.
 */
import { parseArgs } from 'node:util';
import { DataServer, usualFaults } from './data-server.ts';
import { pushEvents } from './push-events.ts';

const values = given();
const [port, speed] = [Number(values.port), Number(values.speed)];
const to = values['push-to'];
if (!(port >= 0 && port < 65_536) || !(speed > 0) || (to !== undefined && !URL.canParse(to))) refuse();

const stopping = new AbortController();
const server = await DataServer.start({ port, seed: values.seed, faults: values.calm ? {} : usualFaults });
process.stdout.write(`The data server is ready: ${server.url}\n`);
const stop = (): void => {
  stopping.abort();
  void server.close();
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
if (to !== undefined)
  await pushEvents({
    to,
    data: () => server.data,
    seed: values.seed,
    speed,
    signal: stopping.signal,
    onPushed: (events, outcome) => process.stdout.write(`${events} events: ${outcome}\n`),
  });

function given() {
  const options = {
    port: { type: 'string', default: '9090' },
    seed: { type: 'string', default: '1' },
    'push-to': { type: 'string' },
    speed: { type: 'string', default: '1' },
    calm: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(`${(error as Error).message}\n`);
  }
}

function refuse(why = ''): never {
  process.stderr.write(`${why}usage: serve.ts [--port N] [--seed S] [--push-to URL] [--speed N] [--calm]\n`);
  process.exit(2);
}
