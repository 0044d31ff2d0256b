/** The parts of a process, each of whose calls may go wrong. */
import type { Log } from '../log/log.ts';
import type { Sink, SinkBatch, Staged } from '../sinks/sink.ts';
import type { NewObject, ObjectStore, StagedObjects } from '../stores/objects/object-store.ts';
import type { StateStore } from '../stores/state/state-store.ts';
import type { FaultyCalls } from './faulty-calls.ts';

export function faultyLog(log: Log, calls: FaultyCalls): Log {
  return {
    id: log.id,
    topics: () => log.topics(),
    range: (at) => log.range(at),
    read: (at, from, limit) => log.read(at, from, limit),
    offsetAtTime: (at, timeMs) => log.offsetAtTime(at, timeMs),
    waitPast: (at, offset, signal) => log.waitPast(at, offset, signal),
    ensureTopics: (topics) => log.ensureTopics(topics),
    batch: () => log.batch(),
    append: (batch, appending) => calls.through('append dead letters', () => log.append(batch, appending)),
    room: (signal) => log.room(signal),
    join: (membership) => log.join(membership),
    retain: (retention, keepFrom) => log.retain(retention, keepFrom),
    close: () => log.close(),
  };
}

export function faultyState(state: StateStore, calls: FaultyCalls): StateStore {
  return {
    get: (key) => calls.through('read checkpoint', () => state.get(key)),
    getAll: (keys) => calls.through('read checkpoint', () => state.getAll(keys)),
    commit: (change) => calls.through('commit checkpoint', () => state.commit(change)),
    entries: (prefix) => state.entries(prefix),
    close: () => state.close(),
  };
}

/** Each object that is put in its place is a call: a process may end between two of them. */
export function faultyStore(store: ObjectStore, calls: FaultyCalls): ObjectStore {
  const stage = (objects: readonly NewObject[]): Promise<StagedObjects> =>
    calls.through('stage objects', () => store.stage(objects));
  const put: ObjectStore['put'] = (key, body) => calls.through('put object', () => store.put(key, body));
  return {
    put,
    stage: async (objects) => {
      const staged = await stage(objects);
      return {
        commit: async () => {
          await staged.abort();
          for (const { key, body } of objects) await put(key, body);
        },
        abort: () => staged.abort(),
      };
    },
    putFile: (key, path) => calls.through('put object', () => store.putFile(key, path)),
    putNewFile: (key, path) => calls.through('put object', () => store.putNewFile(key, path)),
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    entries: (prefix) => store.entries(prefix),
    delete: (key) => calls.through('delete object', () => store.delete(key)),
    deleteAll: async (keys) => {
      for (const key of keys) await calls.through('delete object', () => store.delete(key));
    },
  };
}

export function faultySink<E>(sink: Sink<E>, calls: FaultyCalls, afterOpen?: () => Promise<void>): Sink<E> {
  return {
    name: sink.name,
    open: async (at) => {
      const partition = await calls.through('open table', () => sink.open(at));
      await afterOpen?.();
      return {
        next: partition.next,
        ...(partition.landAgain && { landAgain: () => partition.landAgain!() }),
        batch: () => faultyBatch(partition.batch(), calls),
        close: () => partition.close(),
      };
    },
  };
}

function faultyBatch<E>(batch: SinkBatch<E>, calls: FaultyCalls): SinkBatch<E> {
  return {
    add: (offset, event) => batch.add(offset, event),
    removeLast: () => batch.removeLast(),
    clear: () => batch.clear(),
    stage: async (range, plan) => {
      let staged: Staged | undefined;
      try {
        await calls.through('stage rows', async () => (staged = await batch.stage(range, plan)));
      } catch (error) {
        await staged?.abort(); // who fails to stage has staged nothing
        throw error;
      }
      const whole = staged as Staged;
      return { ...whole, commit: () => calls.through('commit rows', () => whole.commit()) };
    },
  };
}
