/**
 * Made-up users, content and sessions, as the three CSV files that the models of the lake read. Some sessions name a user or content
 * that is not there, as real ones do; some prayer types are more frequent than others, and more so at some ages.
 */
import { createHash } from 'node:crypto';
import { type Random, between, seededRandom } from '../prove/random.ts';

export interface LakeSampleOptions {
  readonly users: number;
  readonly content: number;
  readonly sessions: number;
  /** The same seed gives the same files. */
  readonly seed: string;
}

const prayerTypes = ['academic', 'podcast', 'reflection', 'lectio_divina', 'rosary', 'meditation'] as const;
const mediaTypes = ['text', 'video', 'audio'] as const;
const statuses = ['free', 'free', 'paid', 'trial'] as const;
const countries = ['US', 'BR', 'MX', 'IT', 'PH', 'PL'] as const;
const firstSecond = Date.UTC(2023, 0, 1) / 1000;
const seconds = 365 * 86_400;
/** Of users: those of 17 are in no age group. */
const [youngest, oldest] = [17, 90] as const;
/** One in so many sessions names what is not there. */
const strays = 50;

/** Key and text, in pieces that are small enough to be joined as they come. */
export function* sampleLake(options: LakeSampleOptions): Generator<readonly [key: string, lines: Iterable<string>]> {
  yield ['data/users.csv', users(options)];
  yield ['data/content.csv', content(options)];
  yield ['data/sessions.csv', sessions(options)];
}

function* users({ users: count, seed }: LakeSampleOptions): Generator<string> {
  const random = randomOf(`${seed} users`);
  yield 'id,age,status,country,created_at\n';
  for (let id = 1; id <= count; id++)
    yield `${id},${between(random, youngest, oldest)},${statuses[below(random, statuses.length)]},${countries[below(random, countries.length)]},${time(random)}\n`;
}

function* content({ content: count, seed }: LakeSampleOptions): Generator<string> {
  const random = randomOf(`${seed} content`);
  yield 'id,media_type,prayer_type,created_at\n';
  for (let id = 1; id <= count; id++)
    yield `${id},${mediaTypes[below(random, mediaTypes.length)]},${prayerTypes[Math.min(below(random, 6), below(random, 8))] ?? 'rosary'},${time(random)}\n`;
}

function* sessions({
  users: userCount,
  content: contentCount,
  sessions: count,
  seed,
}: LakeSampleOptions): Generator<string> {
  const random = randomOf(`${seed} sessions`);
  yield 'id,user_id,content_id,is_complete,created_at\n';
  const one = (of: number): number =>
    below(random, strays) === 0 ? of + 1 + below(random, 100) : 1 + below(random, of);
  for (let id = 1; id <= count; id++)
    yield `${id},${one(userCount)},${one(contentCount)},${below(random, 4) > 0 ? 'True' : 'False'},${time(random)}\n`;
}

function randomOf(seed: string): Random {
  return seededRandom(createHash('sha256').update(seed).digest().readUInt32LE());
}

/** 0 <= n < limit */
function below(random: Random, limit: number): number {
  return between(random, 0, limit - 1);
}

/** `2023-04-16 14:38:01.803442`, as the files have it. */
function time(random: Random): string {
  const at = new Date((firstSecond + below(random, seconds)) * 1000).toISOString();
  const micros = String(below(random, 1_000_000)).padStart(6, '0');
  return `${at.slice(0, 10)} ${at.slice(11, 19)}.${micros}`;
}
