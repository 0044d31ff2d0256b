/** Which schemas validate a pipeline's events. */
import type { SubjectRef } from './pipeline.ts';

/**
 * The newest schema that the registry holds under `subject`, at the time an event comes in. `Event` is the TypeScript
 * type of what it describes: the rest of the pipeline is checked against it.
 */
export function registered<Event extends object>(subject: string): SubjectRef<Event> {
  return { subject };
}
