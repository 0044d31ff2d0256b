/**
 * A commit as a script. It names what it touches in its arguments, but for what it sweeps: keys that have expired stay in the order
 * until a later commit lets go of a few of them, more than it adds.
 */
import { keyBytes } from './state-key.ts';
import type { StateChange } from './state-store.ts';

/** All keys, at equal scores. */
export const orderName = 'tributary:keys';
/** Keys that expire, by when. */
const expiriesName = 'tributary:expiries';
const entryPrefix = Buffer.from('tributary:=');
const sweptPerCommit = 32;

export function entryName(key: Buffer): Buffer {
  return Buffer.concat([entryPrefix, key]);
}

/**
 * KEYS: the order, the expiries, then those that are expected, deleted and put. ARGV: how many of each, what
 * stands before a key in its entry's name, how many to sweep; for each expected one whether it is there and its value; for each put its
 * value and expiry. Answers 1, or 0 where an expectation does not hold.
 */
export const commitScript = `
local expected, deleted, put = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local prefix, sweep = ARGV[4], tonumber(ARGV[5])
local prefixed = #prefix
local order, expiries = KEYS[1], KEYS[2]
local name, value = 3, 6
for _ = 1, expected do
  local actual = redis.call('GET', KEYS[name])
  if ARGV[value] == '1' then
    if actual ~= ARGV[value + 1] then return 0 end
  elseif actual then
    return 0
  end
  name, value = name + 1, value + 2
end
for _ = 1, deleted do
  local key = string.sub(KEYS[name], prefixed + 1)
  redis.call('DEL', KEYS[name])
  redis.call('ZREM', order, key)
  redis.call('ZREM', expiries, key)
  name = name + 1
end
for _ = 1, put do
  local key = string.sub(KEYS[name], prefixed + 1)
  if ARGV[value + 1] == '' then
    redis.call('SET', KEYS[name], ARGV[value])
    redis.call('ZREM', expiries, key)
  else
    redis.call('SET', KEYS[name], ARGV[value], 'PXAT', ARGV[value + 1])
    redis.call('ZADD', expiries, ARGV[value + 1], key)
  end
  redis.call('ZADD', order, 0, key)
  name, value = name + 1, value + 2
end
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
for _, key in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now, 'LIMIT', 0, sweep)) do
  if redis.call('EXISTS', prefix .. key) == 0 then
    redis.call('ZREM', order, key)
    redis.call('ZREM', expiries, key)
  end
end
return 1
`;

type Arguments = readonly (Buffer | string)[];

/** Copies what it is given: the caller may reuse its buffers. */
export function commitArguments({ expect = [], delete: deleted = [], put = [] }: StateChange): [Arguments, Arguments] {
  const keys = [...expect.map(({ key }) => key), ...deleted, ...put.map(({ key }) => key)];
  const names = [orderName, expiriesName, ...keys.map((key) => entryName(keyBytes(key)))];
  const counts = [expect.length, deleted.length, put.length].map(String);
  const expected = expect.flatMap(({ value }) => (value === undefined ? ['0', ''] : ['1', Buffer.from(value)]));
  const values = put.flatMap(({ value, expiresAtMs }) => [Buffer.from(value), expiry(expiresAtMs)]);
  return [names, [...counts, entryPrefix, String(sweptPerCommit + 2 * put.length), ...expected, ...values]];
}

/** Redis takes no time before 1970. */
function expiry(expiresAtMs: number | undefined): string {
  if (expiresAtMs === undefined || expiresAtMs > Number.MAX_SAFE_INTEGER) return '';
  return String(Math.max(1, Math.floor(expiresAtMs)));
}
