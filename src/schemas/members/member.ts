/** A member of a schema's events: what a table of them has as a column. */

/**
 * `name`: of an enum, or the number of one that has no name; `integer` and `unsigned`: of 64 bits; `number`: finite, as JSON has it; `double`: any;
 * `json`: anything.
 */
export type ScalarType = 'text' | 'name' | 'integer' | 'unsigned' | 'number' | 'double' | 'boolean' | 'bytes' | 'json';

/** A scalar, or a record with members of its own, one at least. Any may be null, or not there. */
export type MemberType = ScalarType | readonly Member[];

export interface Member {
  readonly name: string;
  readonly type: MemberType;
}
