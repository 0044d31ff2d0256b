/** What is sent at once and acknowledged as a whole: a package of events, or a request that is one. */
export interface Parcel {
  /** With its query string; undefined: that of the receiver of packages. */
  readonly path: string | undefined;
  /** JSON; undefined: the request has none. */
  readonly body: Buffer | undefined;
  readonly events: number;
  /** Of the input, line ends included. */
  readonly inputBytes: number;
  readonly firstLine: number;
  readonly lastLine: number;
}
