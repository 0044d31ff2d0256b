/**
 * A JSON Schema as comparisons need it, cut as the library behind Confluent's registry cuts it, since the kinds of changes
 * follow from that: one part for each type that a schema names or whose keywords it uses, and several parts in an `allOf`.
 */
export type JsonPart =
  | AnyPart
  | NothingPart
  | TypePart
  | StringPart
  | NumberPart
  | ObjectPart
  | ArrayPart
  | EnumPart
  | ConstPart
  | NotPart
  | CombinedPart
  | ReferencePart;

interface Common {
  readonly hasDefault: boolean;
  /** Kafka Connect's mark on values that are bytes, however they are written. */
  readonly isConnectBytes: boolean;
}

/** No constraint: `{}` and `true`. */
export interface AnyPart extends Common {
  readonly kind: 'any';
}

/** `false`. */
export interface NothingPart extends Common {
  readonly kind: 'nothing';
}

/** Of what is compared by kind alone. */
export interface TypePart extends Common {
  readonly kind: 'boolean' | 'null' | 'conditional';
}

export interface StringPart extends Common {
  readonly kind: 'string';
  readonly minLength: number | undefined;
  readonly maxLength: number | undefined;
  readonly pattern: string | undefined;
}

export interface NumberPart extends Common {
  readonly kind: 'number';
  readonly isInteger: boolean;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly exclusiveMinimum: number | undefined;
  readonly exclusiveMaximum: number | undefined;
  readonly multipleOf: number | undefined;
  readonly isMinimumExclusive: boolean;
  readonly isMaximumExclusive: boolean;
}

/** What the keyword for the rest (`additionalProperties`, `additionalItems`) says. */
export interface Rest {
  readonly isAllowed: boolean;
  readonly part: JsonPart | undefined;
}

export interface ObjectPart extends Common {
  readonly kind: 'object';
  readonly properties: ReadonlyMap<string, JsonPart>;
  readonly patternProperties: ReadonlyMap<string, JsonPart>;
  readonly additional: Rest;
  readonly unevaluated: JsonPart | undefined;
  readonly required: ReadonlySet<string>;
  readonly dependentRequired: ReadonlyMap<string, ReadonlySet<string>>;
  readonly dependentSchemas: ReadonlyMap<string, JsonPart>;
  readonly minProperties: number | undefined;
  readonly maxProperties: number | undefined;
}

export interface ArrayPart extends Common {
  readonly kind: 'array';
  /** What all items are, where they are not given by position. */
  readonly items: JsonPart | undefined;
  readonly byPosition: readonly JsonPart[];
  readonly additional: Rest;
  readonly unevaluated: JsonPart | undefined;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly minContains: number | undefined;
  readonly maxContains: number | undefined;
  readonly isUnique: boolean;
}

export interface EnumPart extends Common {
  readonly kind: 'enum';
  /** By identity. */
  readonly values: ReadonlyMap<number, unknown>;
}

export interface ConstPart extends Common {
  readonly kind: 'const';
  readonly identity: number;
  readonly value: unknown;
}

export interface NotPart extends Common {
  readonly kind: 'not';
  readonly part: JsonPart;
}

export type Criterion = 'allOf' | 'anyOf' | 'oneOf';

export interface CombinedPart extends Common {
  readonly kind: 'combined';
  readonly criterion: Criterion;
  readonly parts: readonly JsonPart[];
  /** The same for parts whose schemas are the same. */
  readonly identities: readonly number[];
}

export interface ReferencePart extends Common {
  readonly kind: 'reference';
  readonly reference: string;
  /** Undefined where it is in none of the texts. */
  readonly target: () => JsonPart | undefined;
}

/** As people write it: `integer`, `oneOf of 3`. */
export function describeJson(part: JsonPart): string {
  if (part.kind === 'number') return part.isInteger ? 'integer' : 'number';
  if (part.kind === 'combined') return `${part.criterion} of ${part.parts.length}`;
  if (part.kind === 'reference') return `a reference to ${part.reference}`;
  if (part.kind === 'any') return 'anything';
  return part.kind === 'conditional' ? 'if/then/else' : part.kind;
}
