/** Packages of valid events, as the system's own generator makes them. */
import type { EventApp } from '../src/pipeline/app.ts';

/** As JSON arrays of `eventsAPackage` events each. */
export function generatePackages({ pipeline, generate }: EventApp, packages: number, eventsAPackage: number): string[] {
  if (generate === undefined) throw new Error(`${pipeline.name} generates no events`);
  const events = generate({ count: packages * eventsAPackage, invalidShare: 0, seed: 1 })[Symbol.iterator]();
  return Array.from(
    { length: packages },
    () => `[${Array.from({ length: eventsAPackage }, () => String(events.next().value)).join(',')}]`,
  );
}
