/** What a producer is told of a package that is durable (D1): accepted and rejected events apart. */
export interface Answer {
  readonly packageId: string;
  readonly accepted: number;
  readonly rejected: number;
  readonly errors: readonly RejectedInPackage[];
  /** Of a package that is taken or refused as a whole: nothing of it is in the log, and its body is a dead letter. */
  readonly isRefused?: true;
  /** What the producer of a single event is told in place of all this. */
  readonly text?: string;
}

export interface RejectedInPackage {
  /** Of the event in its package, from 0; null for what is wrong with the body of a package that is refused whole. */
  readonly index: number | null;
  readonly correlationId: string;
  readonly path: string;
  readonly message: string;
}
