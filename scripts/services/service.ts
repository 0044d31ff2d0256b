/** A real server that tests and `npm run services` start on loopback, from packages, without containers. One file a service. */
export interface Service {
  readonly name: string;
  /** What goes into the setting of its part. */
  readonly address: string;
  /** Brings what it needs into the cache, where it is not there yet. Whatever is made appears whole or not at all. */
  install(): Promise<void>;
  /** Makes `dir` ready to start in; called before each start. */
  prepare(dir: string): Promise<void>;
  command(dir: string): Command;
  /** Told from what it has logged since it was started. */
  isReady(log: string): boolean;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}
