/** Packages of valid events, as the system's own generator makes them. */
import type { EventApp } from '../src/pipeline/app.ts';
import { packageSource } from '../src/pipeline/source-paths.ts';

/** Of `eventsAPackage` events each: JSON arrays, or envelopes where the system takes those. */
export function generatePackages({ pipeline, generate }: EventApp, packages: number, eventsAPackage: number): string[] {
  if (generate === undefined) throw new Error(`${pipeline.name} generates no events`);
  const events = generate({ count: packages * eventsAPackage, invalidShare: 0, seed: 1 })[Symbol.iterator]();
  const { envelope } = packageSource(pipeline);
  const [start, end] = envelope ? [`{${JSON.stringify(envelope.events)}:[`, ']}'] : ['[', ']'];
  return Array.from(
    { length: packages },
    () => start + Array.from({ length: eventsAPackage }, () => String(events.next().value)).join(',') + end,
  );
}
