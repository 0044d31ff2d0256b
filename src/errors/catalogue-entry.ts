/** What is told of each code, whatever happened in particular. */
export interface CatalogueEntry {
  /** The HTTP status that a producer gets when a request ends with this fault. */
  readonly status: number;
  /** For the reference: one sentence, of all that have this code. The fault's message tells of the one at hand. */
  readonly what: string;
  /** For whoever reads it at a terminal: one sentence, imperative. */
  readonly todo: string;
}
