/**
 * The two producers: `node apps/cards/producers/produce.ts users|cards [--dir DIR] [--seed S] [--speed N] [--count N]`
 *
 * Each event is a file `<event_id>.json` with an indent of two, written in place. `users` writes a thousand and ends; `cards` writes one to five every two
 * seconds, for ever or until it has written as many as were asked for, and keeps the next id in `__id_counter`, which is no event. `--speed 10` is ten times as
 * fast; with `--speed 0` nothing pauses.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../random.ts';
import { CardMaker, type MadeEvent, makeUser, userCount } from '../made-events.ts';
import { writeSlowly } from './write-slowly.ts';

const roundMs = 2_000;
const pieces = 4;
const piecePauseMs = 50;

const { positionals, values } = given();
const [kind] = positionals;
const [speed, count] = [Number(values.speed), Number(values.count)];
if (positionals.length !== 1 || (kind !== 'users' && kind !== 'cards') || !(speed >= 0) || !(count >= 0)) refuse();
const dir = join(values.dir, kind);
await mkdir(dir, { recursive: true });
await (kind === 'users' ? produceUsers() : produceCards());

function given() {
  const options = {
    dir: { type: 'string', default: 'data/events/inbox' },
    seed: { type: 'string', default: '1' },
    speed: { type: 'string', default: '1' },
    count: { type: 'string', default: 'Infinity' },
  } as const;
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch (error) {
    return refuse(`${(error as Error).message}\n`);
  }
}

function refuse(why = ''): never {
  process.stderr.write(`${why}usage: produce.ts users|cards [--dir DIR] [--seed S] [--speed N] [--count N]\n`);
  process.exit(2);
}

async function produceUsers(): Promise<void> {
  const random = new Random(`users ${values.seed}`);
  for (let id = 0; id < Math.min(userCount, count); id++) await write(makeUser(id, nowSecond(), random));
}

async function produceCards(): Promise<void> {
  const counter = join(dir, '__id_counter');
  const before = await readFile(counter, 'utf8').catch(() => undefined);
  // Where it goes on after a stop, events have other ids than those that were written before.
  const random = new Random(before === undefined ? `cards ${values.seed}` : `cards ${values.seed} ${Date.now()}`);
  const cards = new CardMaker(random, Number(before ?? 0));
  await writeFile(counter, String(cards.nextId));
  for (let written = 0; written < count;) {
    const most = Math.min(1 + random.below(5), count - written);
    for (let i = 0; i < most; i++) await write(cards.next(nowSecond()));
    written += most;
    await writeFile(counter, String(cards.nextId));
    if (speed > 0) await sleep(roundMs / speed);
  }
}

async function write(event: MadeEvent): Promise<void> {
  const pauseMs = speed > 0 ? piecePauseMs / speed : 0;
  const text = JSON.stringify(event, undefined, 2);
  await writeSlowly(join(dir, `${event.metadata.event_id}.json`), text, { pieces, pauseMs });
}

/** Of the producer's clock. */
function nowSecond(): number {
  const now = new Date();
  return Math.floor(now.getTime() / 1000) - now.getTimezoneOffset() * 60;
}
