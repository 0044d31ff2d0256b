/**
 * TypeScript interfaces for the events of an Avro schema, as codecs take and give them: one interface a record, the
 * outermost named by its subject (`events.raw-value` becomes `EventsRawValue`), the others by their record's name.
 */
interface AvroNode {
  readonly type: unknown;
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: unknown;
  readonly values?: unknown;
}

interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
  readonly default?: unknown;
}

const primitives: Readonly<Record<string, string>> = {
  null: 'null',
  boolean: 'boolean',
  int: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
  string: 'string',
  bytes: 'Uint8Array',
  fixed: 'Uint8Array',
};

export interface TypesOf {
  readonly subject: string;
  /** An Avro record, as JSON. */
  readonly schema: string;
}

/** Not formatted. @throws Error where the schema is no record, or has a union whose branches JSON cannot tell apart */
export function generateTypes({ subject, schema }: TypesOf): string {
  const root = JSON.parse(schema) as AvroNode;
  if (root.fields === undefined) throw new Error(`the schema of ${subject} is no record`);
  const writer = new TypeWriter();
  writer.record(root, pascalCase(subject));
  return writer.text();
}

function pascalCase(subject: string): string {
  const words = subject.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

class TypeWriter {
  /** The TypeScript type of each named Avro type, by its name without the namespace. */
  readonly #named = new Map<string, string>();
  readonly #names = new Set<string>();
  readonly #interfaces: string[] = [];

  text(): string {
    return this.#interfaces.join('\n');
  }

  record(node: AvroNode, name: string): string {
    if (this.#names.has(name)) throw new Error(`two records would be called ${name}`);
    this.#names.add(name);
    this.#remember(node, name);
    const place = this.#interfaces.push('') - 1;
    const fields = (node.fields ?? []).map((field) => this.#field(field));
    this.#interfaces[place] = `${comment(node.doc, '')}export interface ${name} {\n${fields.join('')}}\n`;
    return name;
  }

  #field(field: AvroField): string {
    const optional = field.default !== undefined ? '?' : '';
    return `${comment(field.doc, '  ')}  readonly ${field.name}${optional}: ${this.#type(field.type)};\n`;
  }

  #type(node: unknown): string {
    if (typeof node === 'string') return this.#reference(node);
    if (Array.isArray(node)) return this.#union(node);
    const part = node as AvroNode;
    if (part.type === 'record' || part.type === 'error') return this.record(part, pascalCase(lastName(part)));
    if (part.type === 'array') return `readonly (${this.#type(part.items)})[]`;
    if (part.type === 'map') return `Readonly<Record<string, ${this.#type(part.values)}>>`;
    const type =
      part.type === 'enum'
        ? (part.symbols ?? []).map((symbol) => `'${symbol}'`).join(' | ')
        : this.#reference(String(part.type));
    this.#remember(part, type);
    return type;
  }

  #reference(name: string): string {
    const type = primitives[name] ?? this.#named.get(lastName({ name }));
    if (type === undefined) throw new Error(`the schema names ${name}, which it does not define before`);
    return type;
  }

  /** null last, as TypeScript's readers expect it. */
  #union(branches: readonly unknown[]): string {
    const types = branches.filter((branch) => branch !== 'null').map((branch) => this.#type(branch));
    // Codecs take { branch: value } where branches are alike, which no schema of ours has needed.
    const objects = branches.filter((branch) => typeof branch === 'object');
    if (objects.length > 1 || new Set(types).size < types.length)
      throw new Error(`types for the union ${JSON.stringify(branches).slice(0, 80)} are not written yet`);
    return [...types, ...(branches.includes('null') ? ['null'] : [])].join(' | ');
  }

  #remember(node: AvroNode, type: string): void {
    if (node.name === undefined) return;
    if (this.#named.has(lastName(node))) throw new Error(`two types are called ${lastName(node)}`);
    this.#named.set(lastName(node), type);
  }
}

function lastName({ name = 'Record' }: Pick<AvroNode, 'name'>): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function comment(doc: string | undefined, indent: string): string {
  return doc === undefined ? '' : `${indent}/** ${doc.replaceAll('*/', '* /')} */\n`;
}
