/** Variables that an app's author names, for addresses and secrets of what it pulls. They are no settings of ours. */

/** Undefined where it is not set. */
export function readVariable(name: string): string | undefined {
  return process.env[name];
}
