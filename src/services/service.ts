/**
 * Real servers on this machine, from packages, without containers, on loopback: for proofs (`tributary prove --engine cluster`), tests and
 * development (`npm run services`). One file a service. What serves imports none of it.
 */
/** One server, of which there may be several. */
export interface Service {
  readonly name: string;
  /** What goes into the setting of its part. */
  readonly address: string;
  /** Brings what it needs into the cache, where it is not there yet. Whatever is made appears whole or not at all. */
  install(): Promise<void>;
  /** Makes `dir` ready to start in; called before each start. */
  prepare(dir: string): Promise<void>;
  command(dir: string): Command | Promise<Command>;
  /** Told from what it has logged since it was started. */
  isReady(log: string): boolean;
  /** Asks it to end at once, and in order. Default: SIGTERM. */
  readonly stopSignal?: 'SIGINT';
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** As whom it runs. Default: as who starts it. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}
