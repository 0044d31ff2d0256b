/** A YAML file of a project, that knows the line of each of its values. */
import { type Document, type LineCounter, isMap, isNode, isScalar } from 'yaml';
import { Fault } from '../../errors.ts';
import { readText } from './project-files.ts';
import { readYaml } from './yaml-values.ts';

export type Path = readonly (string | number)[];
export type YamlMap = Readonly<Record<string, unknown>>;

export class YamlFile {
  /** As messages name it. */
  readonly file: string;
  readonly value: YamlMap;
  readonly #document: Document;
  readonly #lines: LineCounter;

  /**
   * @param mayHaveJinja keys under which there may be templates
   * @throws Fault MODELS_INVALID where it is no YAML, or no map, or has values that cannot be read as dbt reads them
   */
  constructor(path: string, file: string, mayHaveJinja: readonly string[]) {
    this.file = file;
    const isTemplate = (keys: readonly string[]): boolean => keys.some((key) => mayHaveJinja.includes(key));
    const { document, lines, value, problem } = readYaml(readText(path, file), isTemplate);
    if (problem) {
      const { line, message, cause } = problem;
      throw new Fault('MODELS_INVALID', `${file}:${line}: ${message}`, { cause });
    }
    this.#document = document;
    this.#lines = lines;
    this.value = this.map(value ?? {}, []);
  }

  fault(at: Path, message: string): Fault {
    return new Fault('MODELS_INVALID', `${this.file}:${this.#lineOf(at)}: ${message}`);
  }

  map(value: unknown, at: Path): YamlMap {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as YamlMap;
    throw this.fault(at, `${at.at(-1) ?? 'the file'} is expected to be a map`);
  }

  list(value: unknown, at: Path): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    throw this.fault(at, `${at.at(-1) ?? 'the file'} is expected to be a list`);
  }

  text(value: unknown, at: Path): string {
    if (typeof value === 'string' && value !== '') return value;
    throw this.fault(at, `${at.at(-1) ?? 'the value'} is expected to be text`);
  }

  /** @throws Fault MODELS_INVALID with the line of the first key that is not known */
  onlyKeys(value: YamlMap, at: Path, known: readonly string[]): void {
    for (const key of Object.keys(value))
      if (!known.includes(key))
        throw this.fault([...at, key], `${key} is not supported here; known are ${known.join(', ')}`);
  }

  /** Of the key, where it has one. */
  #lineOf(at: Path): number {
    for (let path = at; path.length > 0; path = path.slice(0, -1)) {
      const outer = this.#document.getIn(path.slice(0, -1), true);
      const key = isMap(outer)
        ? outer.items.find((pair) => isScalar(pair.key) && pair.key.value === path.at(-1))?.key
        : undefined;
      const node = key ?? this.#document.getIn(path, true);
      if (isNode(node) && node.range) return this.#lines.linePos(node.range[0]).line;
    }
    return 1;
  }
}
