/** What a producer is told of a package that is durable (D1): accepted and rejected events apart. */
export interface Answer {
  readonly packageId: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly RejectedInPackage[];
  /** What the producer of a single event is told in place of all this. */
  readonly text?: string;
}

export interface RejectedInPackage {
  /** Of the event in its package, from 0. */
  readonly index: number;
  readonly correlationId: string;
  readonly path: string;
  readonly message: string;
}
