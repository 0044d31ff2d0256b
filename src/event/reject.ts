/**
 * Says that an event is invalid: thrown by normalisers, transforms and row mappers, never for anything but the
 * event itself. What happens then is the pipeline's to decide (dead letter, halt or drop).
 */
export class Reject extends Error {
  override readonly name = 'Reject';
  /** From the event's root, as in `attributes.newContextStamp.userId`; empty for the event itself. The end of a long one is left out. */
  readonly path: string;

  /** @param message what was expected at `path`, for the producer to read */
  constructor(path: string, message: string) {
    super(message);
    this.path = shortened(path);
  }
}

/** Its names are the sender's, may be as long as a package, and go into answers and log lines. */
const longestPath = 1_000;

function shortened(path: string): string {
  return path.length > longestPath ? `${path.slice(0, longestPath).toWellFormed()}...` : path;
}

/**
 * What a function of a pipeline's author threw, as a reason to refuse the event: anything but a Reject is a defect of that
 * function, and blocks nothing but this event.
 */
export function asReject(error: unknown, what: string): Reject {
  return error instanceof Reject
    ? error
    : new Reject('', `the pipeline could not ${what} this event: ${String(error)}`);
}
