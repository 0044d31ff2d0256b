/**
 * The trail of an event: where it is by now, looked up in what any process may read. What cannot be looked at (the warehouse is
 * not up, the log has forgotten it) is said in `notes`, never passed over.
 */
import type { letterJson } from '../dead-letters/letter-json.ts';
import type { Letters } from '../dead-letters/letters.ts';
import type { RepairStatuses } from '../dead-letters/repair-statuses.ts';
import type { LogReader } from '../log/log.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { VoidPackages } from '../processing/void-packages.ts';
import type { Codecs } from '../schemas/codecs.ts';
import type { ObjectStore } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { Warehouse } from '../stores/warehouse/warehouse.ts';

export interface TrailOptions {
  readonly log: LogReader;
  readonly state: StateStore;
  readonly statuses: RepairStatuses;
  readonly letters: Letters;
  /** Undefined where no package can be void. */
  readonly voids: VoidPackages | undefined;
  readonly pipelines: readonly Pipeline[];
  readonly codecs: Codecs;
  readonly objects: Pick<ObjectStore, 'get' | 'list'>;
  /** @throws Fault WAREHOUSE_UNAVAILABLE */
  readonly warehouse: () => Promise<Warehouse>;
}

export type Whereabouts =
  | 'landed'
  /** Its processor has not come to it. */
  | 'not landed yet'
  | 'dead letter'
  /** Its package counts for nothing: another one was first under its Idempotency-Key, and what that one held has landed. */
  | 'void'
  /** Its processor is past it, and it is neither in a sink nor a dead letter: dropped, or removed by hand. */
  | 'not found in any sink';

export interface EventTrail {
  readonly correlationId: string;
  readonly packageId: string;
  readonly index: number;
  /** RFC 3339, UTC. */
  readonly receivedAt: string;
  readonly pipeline: string;
  readonly whereabouts: Whereabouts;
  readonly record?: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly at: string;
  };
  /** Records that its processor has to take until this one has landed. */
  readonly lag?: number;
  readonly rows: readonly TableRow[];
  readonly objects: readonly ObjectLine[];
  readonly deadLetter?: ReturnType<typeof letterJson>;
  /** The dead letter that this event is the replay of. */
  readonly replayOf?: string;
  readonly notes: readonly string[];
}

export interface TableRow {
  readonly table: string;
  /** As text; documents are left out. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface ObjectLine {
  readonly key: string;
  /** From 1. */
  readonly line: number;
}
