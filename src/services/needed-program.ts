/** What the machine itself must have, since no package registry brings it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Fault } from '../errors.ts';

const run = promisify(execFile);

/**
 * @param args with which it does nothing but say that it is there
 * @param what such as `Kafka needs Java 17 or newer`
 * @throws Fault PROGRAM_MISSING
 */
export async function needProgram(name: string, args: readonly string[], what: string): Promise<void> {
  try {
    await run(name, args);
  } catch (cause) {
    throw new Fault('PROGRAM_MISSING', `${what}, and ${name} does not run here`, { cause });
  }
}
