/** Tables of the warehouse that an app reads, as `tributary <app> init` makes and fills them: from a dump, or with a sample. */

export interface Dataset {
  readonly tables: readonly DatasetTable[];
  /** Rows of the same shape, made up. The same seed gives the same rows; those of a table stand together. */
  readonly sample: (options: SampleOptions) => Iterable<SampleRow>;
}

export interface DatasetTable {
  readonly name: string;
  /** Each with its PostgreSQL type and what else stands behind it: `{ code: 'text NOT NULL' }`. */
  readonly columns: Readonly<Record<string, string>>;
  /** Constraints, by name: `{ ports_pkey: 'PRIMARY KEY (code)' }`. Added when all rows are in, in the order of the tables. */
  readonly constraints: Readonly<Record<string, string>>;
  /** By name, what stands behind `ON <table>`. */
  readonly indexes: Readonly<Record<string, string>>;
}

export interface SampleOptions {
  /** Rows of the table that grows. */
  readonly rows: number;
  readonly seed: number | string;
}

export interface SampleRow {
  readonly table: string;
  /** In the order of the columns. */
  readonly values: readonly (string | number | null)[];
}
