/**
 * The schema registry of an engine where that is a server elsewhere: what is known of it goes on being known while it is down, in
 * this process and in the next one on the same data directory.
 *
 * - An id never changes its meaning, so it is asked for once (known-schemas.ts).
 * - The newest version of a subject is asked for again after ten seconds: soon enough for people who have registered one, and
 *   seldom enough that no registry feels it. Where the answer does not come at once, what is known holds; it is only forgotten where
 *   the registry says that it is gone.
 * - Who asks for the same thing at the same time shares one request, and waits no longer than `timeoutMs`.
 */
import { Fault, isFault, reasonOf } from '../errors.ts';
import type { SchemaVersion } from './administration.ts';
import { checkSchema } from './check-schema.ts';
import { digestOf, type KeptSchemas, type KeptSubject } from './kept-schemas.ts';
import { KnownSchemas } from './known-schemas.ts';
import { schemaInvalid } from './registry-fault.ts';
import type { RegisteredSchema, SchemaRegistry, SchemaType } from './registry.ts';
import type { RemoteRegistry } from './remote-registry.ts';
import { SharedAsks } from './shared-asks.ts';

export interface OutsideRegistry extends SchemaRegistry {
  /** Without user and password. */
  readonly address: string;
  /** What registering has answered for this schema, here or in a process before, without asking. */
  registeredBefore(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema | undefined>;
  close(): Promise<void>;
}

export interface CachedRegistryOptions {
  readonly remote: RemoteRegistry;
  readonly kept: KeptSchemas;
  /** Of a read with all that belongs to it, references too. */
  readonly timeoutMs: number;
  readonly observer: RegistryObserver;
  /** In milliseconds. Default: since the process began. */
  readonly now?: () => number;
}

/** Must not throw. */
export interface RegistryObserver {
  /** Once for each time that it becomes so; what is known goes on. */
  unreachable(error: unknown): void;
  reachable(): void;
  /** An id has another meaning than before; told once for each. */
  distrusted(error: unknown): void;
  /** What is known can be used, but the next process will not know it. */
  notKept(error: unknown): void;
}

const freshMs = 10_000;
/** So long an answer may take where there is something known to go on with. */
const patienceMs = 250;
/** Of a subject: there are more only where somebody registers in a loop. */
const maxRegistered = 100;

interface Subject {
  kept: KeptSubject;
  latest: RegisteredSchema | undefined;
  /** When the registry last answered, or did not. */
  checkedMs: number;
}

export class CachedRegistry implements OutsideRegistry {
  readonly address: string;
  readonly #options: CachedRegistryOptions;
  readonly #now: () => number;
  readonly #schemas: KnownSchemas;
  readonly #subjects = new Map<string, Promise<Subject>>();
  readonly #asks: SharedAsks<RegisteredSchema>;
  #isReachable = true;

  constructor(options: CachedRegistryOptions) {
    const { remote, kept, observer } = options;
    this.address = remote.address;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#asks = new SharedAsks(this.#now);
    this.#schemas = new KnownSchemas({
      kept,
      address: this.address,
      onNotKept: (error) => observer.notKept(error),
      onDistrusted: (error) => observer.distrusted(error),
    });
  }

  async latest(subject: string): Promise<RegisteredSchema> {
    const known = await this.#subject(subject);
    const { latest, checkedMs } = known;
    if (latest !== undefined && this.#now() - checkedMs < freshMs) return latest;
    const { answer, sinceMs } = this.#asks.share(`latest ${subject}`, () => this.#askLatest(subject, known));
    if (latest === undefined) return this.#within(answer, this.#options.timeoutMs);
    const waitMs = this.#isReachable ? sinceMs + patienceMs - this.#now() : 0;
    if (waitMs <= 0) return latest;
    return this.#within(answer, waitMs).catch((error: unknown) => {
      if (isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE')) return latest;
      throw error;
    });
  }

  async byId(id: number): Promise<RegisteredSchema> {
    const known = await this.#schemas.byId(id);
    if (known !== undefined) return known;
    const { answer } = this.#asks.share(`id ${id}`, async () => {
      const found = await this.#watched(this.#options.remote.byId(id));
      return this.#schemas.add(found);
    });
    return this.#within(answer, this.#options.timeoutMs);
  }

  async register(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema> {
    checkText(subject, type, schema);
    const { remote } = this.#options;
    const known = await this.#subject(subject);
    const answered = await this.#watched(remote.register(subject, { type, schema, references: [] }));
    const found = await this.#watched(remote.withReferences({ ...answered, subject }));
    const registered = await this.#schemas.add(found);
    const kept = withRegistered(known.kept, { digest: digestOfSchema(type, schema), ...placeOf(registered) });
    if (known.latest !== undefined && known.latest.version >= registered.version)
      await this.#keepSubject(known, kept, known.latest);
    else await this.#setLatest(known, registered, kept);
    return registered;
  }

  async registeredBefore(subject: string, type: SchemaType, schema: string): Promise<RegisteredSchema | undefined> {
    const { kept } = await this.#subject(subject);
    const digest = digestOfSchema(type, schema);
    const found = kept.registered.find((one) => one.digest === digest);
    const known = found && (await this.#schemas.byId(found.id));
    return known && found && { ...known, subject, version: found.version };
  }

  subjects(): Promise<readonly string[]> {
    return this.#watched(this.#options.remote.subjects());
  }

  close(): Promise<void> {
    return this.#options.remote.close();
  }

  /** Read from the directory at the first use. */
  #subject(subject: string): Promise<Subject> {
    const known = this.#subjects.get(subject) ?? this.#readSubject(subject);
    this.#subjects.set(subject, known);
    return known;
  }

  async #readSubject(subject: string): Promise<Subject> {
    const { kept, observer } = this.#options;
    const found = (await kept.subject(subject).catch((error: unknown) => observer.notKept(error))) ?? undefined;
    const schema = found?.latest && (await this.#schemas.byId(found.latest.id));
    const latest = found?.latest && schema && { ...schema, subject, version: found.latest.version };
    return { kept: found ?? { subject, registered: [] }, latest, checkedMs: -Infinity };
  }

  /** What was registered from here meanwhile is newer than the answer. */
  async #askLatest(subject: string, known: Subject): Promise<RegisteredSchema> {
    const { remote } = this.#options;
    const { latest } = known;
    try {
      const version = await this.#watched(remote.version(subject, 'latest'));
      if (latest !== undefined && isTheSame(latest, version)) return latest;
      const found = await this.#watched(remote.withReferences({ ...version, subject }));
      const newest = await this.#schemas.add(found);
      if (known.latest !== latest && known.latest !== undefined) return known.latest;
      await this.#setLatest(known, newest, known.kept);
      return newest;
    } catch (error) {
      if (isFault(error, 'SCHEMA_UNKNOWN') && known.latest === latest) await this.#forget(known);
      throw error;
    } finally {
      known.checkedMs = this.#now();
    }
  }

  async #setLatest(known: Subject, latest: RegisteredSchema, kept: KeptSubject): Promise<void> {
    known.latest = latest;
    known.checkedMs = this.#now();
    await this.#keepSubject(known, kept, latest);
  }

  async #forget(known: Subject): Promise<void> {
    if (known.latest === undefined) return;
    known.latest = undefined;
    await this.#keepSubject(known, { subject: known.kept.subject, registered: [] }, undefined);
  }

  async #keepSubject(known: Subject, kept: KeptSubject, latest: RegisteredSchema | undefined): Promise<void> {
    const { subject, registered } = kept;
    known.kept = { subject, registered, ...(latest && { latest: placeOf(latest) }) };
    const { kept: files, observer } = this.#options;
    await files.keepSubject(known.kept).catch((error: unknown) => observer.notKept(error));
  }

  /** Tells when the registry is out of reach, and when it is back. */
  async #watched<T>(answer: Promise<T>): Promise<T> {
    try {
      const answered = await answer;
      this.#reached(true);
      return answered;
    } catch (error) {
      this.#reached(!isFault(error, 'SCHEMA_REGISTRY_UNAVAILABLE'), error);
      throw error;
    }
  }

  #reached(isReachable: boolean, error?: unknown): void {
    if (this.#isReachable === isReachable) return;
    this.#isReachable = isReachable;
    if (isReachable) this.#options.observer.reachable();
    else this.#options.observer.unreachable(error);
  }

  async #within<T>(answer: Promise<T>, ms: number): Promise<T> {
    const { promise: limit, reject } = Promise.withResolvers<never>();
    const message = `the schema registry at ${this.address} did not answer within ${Math.round(ms)} ms`;
    const timer = setTimeout(() => reject(new Fault('SCHEMA_REGISTRY_UNAVAILABLE', message)), ms);
    try {
      return await Promise.race([answer, limit]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function checkText(subject: string, type: SchemaType, schema: string): void {
  try {
    checkSchema({ id: 0, subject, version: 0, type, schema });
  } catch (error) {
    throw schemaInvalid(reasonOf(error), error);
  }
}

function digestOfSchema(type: SchemaType, schema: string): string {
  return digestOf(`${type} ${schema}`);
}

function isTheSame(a: RegisteredSchema, b: SchemaVersion): boolean {
  return a.id === b.id && a.version === b.version && a.schema === b.schema;
}

function placeOf({ version, id }: RegisteredSchema): NonNullable<KeptSubject['latest']> {
  return { version, id };
}

function withRegistered(kept: KeptSubject, one: KeptSubject['registered'][number]): KeptSubject {
  const others = kept.registered.filter(({ digest }) => digest !== one.digest);
  return { ...kept, registered: [...others, one].slice(-maxRegistered) };
}
