/** An Avro schema as comparisons need it: names resolved into links, so that a recursive schema is a cycle of objects. */
export type AvroPart = AvroPrimitive | AvroArray | AvroMap | AvroUnion | AvroEnum | AvroFixed | AvroRecord;

export const avroPrimitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const;

export interface AvroPrimitive {
  readonly type: (typeof avroPrimitives)[number];
  readonly decimal: AvroDecimal | undefined;
}

export interface AvroArray {
  readonly type: 'array';
  readonly items: AvroPart;
}

export interface AvroMap {
  readonly type: 'map';
  readonly values: AvroPart;
}

export interface AvroUnion {
  readonly type: 'union';
  readonly branches: readonly AvroPart[];
}

export interface AvroNamed {
  /** Without its namespace: what two schemas must share. */
  readonly name: string;
  readonly fullName: string;
  /** Full names. */
  readonly aliases: ReadonlySet<string>;
}

export interface AvroEnum extends AvroNamed {
  readonly type: 'enum';
  readonly symbols: ReadonlySet<string>;
  readonly defaultSymbol: string | undefined;
}

export interface AvroFixed extends AvroNamed {
  readonly type: 'fixed';
  readonly size: number;
  readonly decimal: AvroDecimal | undefined;
}

export interface AvroRecord extends AvroNamed {
  readonly type: 'record';
  readonly fields: readonly AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly part: AvroPart;
  readonly hasDefault: boolean;
}

export interface AvroDecimal {
  readonly precision: number;
  readonly scale: number;
}

/** As people write it: `record Order`, `decimal(9,2)`, `array`. */
export function describeAvro(part: AvroPart): string {
  if ('decimal' in part && part.decimal !== undefined)
    return `decimal(${part.decimal.precision},${part.decimal.scale})`;
  if ('name' in part) return `${part.type} ${part.name}`;
  return part.type === 'union' ? `union of ${part.branches.length} branches` : part.type;
}
