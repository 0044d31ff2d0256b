/** Files of a system's own events, one an event, as its producers name and write them, in one directory. */
import { closeSync, futimesSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EventApp } from '../../src/pipeline/app.ts';

/** They were written long ago, as the most of a million were: one look at each is enough. */
const ageMs = 3_600_000;

/** @throws where the system's events have no id, or it makes none */
export function makeFiles(app: EventApp, directory: string, count: number): void {
  if (!app.generate) throw new Error(`${app.pipeline.name} makes no events`);
  mkdirSync(directory, { recursive: true });
  const changed = (Date.now() - ageMs) / 1000;
  for (const text of app.generate({ count, invalidShare: 0, seed: 1 })) {
    const event = JSON.parse(text) as { readonly metadata: { readonly event_id: string } };
    const file = openSync(join(directory, `${event.metadata.event_id}.json`), 'wx');
    writeSync(file, JSON.stringify(event, undefined, 2));
    futimesSync(file, changed, changed);
    closeSync(file);
  }
}
