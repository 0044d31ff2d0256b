/** What is in the objects, read with nothing of the program running. */
import type { ObjectStore } from '../../stores/objects/object-store.ts';
import { objectTexts } from '../object-texts.ts';
import type { ProvenPipeline } from './proven-pipeline.ts';

export interface LandedLine {
  /** Of the object. */
  readonly key: string;
  readonly line: string;
}

export interface Landed {
  /** By key. */
  readonly lines: ReadonlyMap<string, readonly LandedLine[]>;
  /** By the id of the letter. */
  readonly letters: ReadonlyMap<string, readonly string[]>;
  /** Objects that do not end with a line feed, or hold a line that is no JSON. */
  readonly torn: readonly string[];
}

/** Keys are read from the lines: the events are as the transform has them. */
export async function readLanded(store: ObjectStore, { deduplicate }: ProvenPipeline): Promise<Landed> {
  const lines = new Map<string, LandedLine[]>();
  const letters = new Map<string, string[]>();
  const torn: string[] = [];
  for await (const [key, text] of objectTexts(store)) {
    if (!text.endsWith('\n')) torn.push(key);
    for (const line of text.split('\n').slice(0, -1)) {
      const value = parsed(line);
      if (value === undefined) torn.push(key);
      else if (key.startsWith('dead-letter/')) add(letters, String(value['correlationId']), String(value['event']));
      else add(lines, deduplicate.key(value), { key, line });
    }
  }
  return { lines, letters, torn };
}

function add<T>(into: Map<string, T[]>, key: string, one: T): void {
  into.set(key, [...(into.get(key) ?? []), one]);
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
