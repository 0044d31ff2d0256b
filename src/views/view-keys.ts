/**
 * The names of a view's entries in the store. A generation is what one building from the log has made:
 *
 *   view/<log>/<pipeline>/<view>/generation            which one answers
 *   view/<log>/<pipeline>/<view>/rebuilding            which one is being built, or was at last
 *   view/<log>/<pipeline>/<view>/doomed/<generation>   does not answer: is being built, was not finished, or was replaced
 *   v/<generation>/<partition>/position                everything below it is in the entries beside it
 *   v/<generation>/<partition>/b/<bucket>/<key>        a row
 *   v/<generation>/<partition>/j/<measure>/<joined>    what may still find a pair
 */
import { randomBytes } from 'node:crypto';
import { percentEncodeSegment } from '../event/object-key.ts';
import type { StateStore } from '../stores/state/state-store.ts';

export interface ViewIdentity {
  readonly logId: string;
  readonly pipeline: string;
  readonly view: string;
}

/** As consumers are named. */
export function viewConsumer({ pipeline, view }: Omit<ViewIdentity, 'logId'>): string {
  return `${pipeline}/${view}`;
}

export function generationKey(of: ViewIdentity): string {
  return `${prefixOf(of)}/generation`;
}

export function rebuildingKey(of: ViewIdentity): string {
  return `${prefixOf(of)}/rebuilding`;
}

/** No other has the same: names of entries begin with it, and there are many. */
export function newGeneration(): string {
  return randomBytes(6).toString('hex');
}

/** What stands before the entries of a generation. */
export function generationPrefix(generation: string): string {
  return `v/${generation}/`;
}

/** What stands before the names of generations that are let go of, unless one of them comes to answer. */
export function doomedPrefix(of: ViewIdentity): string {
  return `${prefixOf(of)}/doomed/`;
}

function prefixOf({ logId, pipeline, view }: ViewIdentity): string {
  return `${logPrefix(logId)}${pipeline}/${view}`;
}

function logPrefix(logId: string): string {
  return `view/${logId}/`;
}

/** Of which the store has anything. */
export async function knownViews(store: StateStore, logId: string): Promise<readonly ViewIdentity[]> {
  const known = new Map<string, ViewIdentity>();
  for await (const [key] of store.entries(logPrefix(logId))) {
    const [pipeline = '', view = ''] = key.slice(logPrefix(logId).length).split('/');
    known.set(viewConsumer({ pipeline, view }), { logId, pipeline, view });
  }
  return [...known.values()];
}

/** Of one partition in one generation. */
export class PartitionKeys {
  readonly position: string;
  readonly #prefix: string;

  constructor(generation: string, partition: number) {
    this.#prefix = `${generationPrefix(generation)}${partition}/`;
    this.position = `${this.#prefix}position`;
  }

  row(bucket: string, key: string): string {
    return `${this.#prefix}b/${bucket}/${percentEncodeSegment(key)}`;
  }

  /** What stands before the names of a bucket's rows. */
  rows(bucket: string): string {
    return `${this.#prefix}b/${bucket}/`;
  }

  /** What stands before the names of a measure's entries; then comes the value of `by` (`segmentOf`). */
  joined(measure: number): string {
    return `${this.#prefix}j/${measure}/`;
  }
}

const plain = /^(?!\.\.?$)[\w.-]{1,200}$/;

/** Of a value of `by`. Most are ids, each seen once or twice, and stand for themselves. */
export function segmentOf(by: string): string {
  return plain.test(by) ? by : percentEncodeSegment(by);
}

/** Whether an entry of a generation is the position of a partition. */
export function isPosition(key: string): boolean {
  return key.endsWith('/position') && key.split('/').length === 4;
}

export function positionIn(raw: Buffer | undefined): number | undefined {
  return raw === undefined ? undefined : Number(raw.toString());
}

/** Everything below it is in the generation that answers; 0 where there is none yet. */
export async function readViewPosition(store: StateStore, of: ViewIdentity, partition: number): Promise<number> {
  const answering = await store.get(generationKey(of));
  if (!answering) return 0;
  return positionIn(await store.get(new PartitionKeys(answering.toString(), partition).position)) ?? 0;
}
