/**
 * A child process for lmdb-kill.test.ts: counts up a key against others that do the same, and writes the number to the
 * same twenty keys each time, and a page or two to a new one, so that the file grows; prints each number that it made durable.
 */
import { writeSync } from 'node:fs';
import { openLmdbStore } from '../../src/stores/state/lmdb-store.ts';

const [dir = '', rounds = ''] = process.argv.slice(2);
const store = await openLmdbStore({ dir });

for (let made = 0; made < Number(rounds);) {
  const before = await store.get('counter');
  const number = `${Number(before ?? 0) + 1}`;
  const expiresAtMs = Date.now() + 50;
  const committed = await store.commit({
    expect: [{ key: 'counter', value: before }],
    put: [
      { key: 'counter', value: Buffer.from(number) },
      ...Array.from({ length: 20 }, (_, i) => ({ key: `same/${i}`, value: Buffer.from(number.padEnd(i * 200, ' ')) })),
      { key: `grow/${number}`, value: Buffer.alloc(8_000) },
      { key: `expires/${number}`, value: Buffer.from(number), expiresAtMs },
    ],
  });
  if (!committed) continue;
  made++;
  writeSync(1, `${number}\n`);
}
await store.close();
