/**
 * The names of a view's entries in the store. A generation is what one building from the log has made; another log, and each partition, has
 * entries of its own:
 *
 *   view/<log>/<pipeline>/<view>/generation                        which one answers; the first is `0`, and need not be told
 *   view/<log>/<pipeline>/<view>/rebuilding                        which one is being built, or was at last
 *   view/<log>/<pipeline>/<view>/doomed/<generation>                does not answer: is being built, was not finished, or was replaced
 *   view/<log>/<pipeline>/<view>/<generation>/<partition>/position  everything below it is in the entries beside it
 *                                                        /b/<bucket>/<key>       a row
 *                                                        /j/<measure>/<joined>   what may still find a pair
 */
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

/** The generation that answers, from its entry. */
export function generationIn(raw: Buffer | undefined): string {
  return raw === undefined ? '0' : raw.toString();
}

/** What stands before the entries of a generation. */
export function generationPrefix(of: ViewIdentity, generation: string): string {
  return `${prefixOf(of)}/${generation}/`;
}

/** What stands before the names of generations that are let go of, unless one of them comes to answer. */
export function doomedPrefix(of: ViewIdentity): string {
  return `${prefixOf(of)}/doomed/`;
}

function prefixOf({ logId, pipeline, view }: ViewIdentity): string {
  return `view/${logId}/${pipeline}/${view}`;
}

/** Of one partition in one generation. */
export class PartitionKeys {
  readonly position: string;
  readonly #prefix: string;

  constructor(of: ViewIdentity, generation: string, partition: number) {
    this.#prefix = `${generationPrefix(of, generation)}${partition}/`;
    this.position = `${this.#prefix}position`;
  }

  row(bucket: string, key: string): string {
    return `${this.#prefix}b/${bucket}/${percentEncodeSegment(key)}`;
  }

  /** What stands before the names of a bucket's rows. */
  rows(bucket: string): string {
    return `${this.#prefix}b/${bucket}/`;
  }

  joined(measure: number, by: string): string {
    return `${this.#prefix}j/${measure}/${percentEncodeSegment(by)}`;
  }
}

export function positionIn(raw: Buffer | undefined): number | undefined {
  return raw === undefined ? undefined : Number(raw.toString());
}

/** Everything below it is in the generation that answers; 0 where there is none yet. */
export async function readViewPosition(store: StateStore, of: ViewIdentity, partition: number): Promise<number> {
  const generation = generationIn(await store.get(generationKey(of)));
  return positionIn(await store.get(new PartitionKeys(of, generation, partition).position)) ?? 0;
}
