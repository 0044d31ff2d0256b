/** Lines of text for several objects, which are told apart by a prefix, in the order in which they come. */
import { maxBytesPerUnit } from '../../event/utf8.ts';
import { Entries, keptBytes } from '../entries.ts';

export interface GroupedLines {
  readonly prefix: string;
  readonly firstOffset: number;
  /** Each line with its end. */
  readonly body: Buffer;
}

interface Group {
  readonly prefix: string;
  firstOffset: number;
  bytes: number;
  /** Where its body begins, then where it goes on, in the memory of the bodies. */
  at: number;
}

const lineEnd = 0x0a;

export class LineBatch {
  readonly #entries = new Entries();
  readonly #prefixes: string[] = [];
  readonly #numbers = new Map<string, number>();
  /** Of each entry: the number of its prefix. */
  readonly #groups: number[] = [];
  #bodies = Buffer.alloc(0);

  add(offset: number, prefix: string, line: string): void {
    const at = this.#entries.end;
    const into = this.#entries.room(line.length * maxBytesPerUnit + 1);
    const end = at + into.write(line, at);
    into[end] = lineEnd;
    this.#entries.add(offset, end + 1);
    this.#groups.push(this.#numberOf(prefix));
  }

  removeLast(): void {
    this.#entries.removeLast();
    this.#groups.pop();
  }

  clear(): void {
    this.#entries.clear();
    this.#groups.length = 0;
    this.#prefixes.length = 0;
    this.#numbers.clear();
    if (this.#bodies.length > keptBytes) this.#bodies = Buffer.alloc(0);
  }

  /** Prefixes that have lines left; their bodies are good until the next call or `clear`. */
  grouped(without: ReadonlySet<number>): readonly GroupedLines[] {
    const groups: Group[] = this.#prefixes.map((prefix) => ({ prefix, firstOffset: -1, bytes: 0, at: 0 }));
    this.#each(without, groups, (group, line, offset) => {
      if (group.firstOffset === -1) group.firstOffset = offset;
      group.bytes += line.length;
    });
    if (this.#bodies.length < this.#entries.end) this.#bodies = Buffer.allocUnsafeSlow(2 * this.#entries.end);
    let end = 0;
    for (const group of groups) {
      group.at = end;
      end += group.bytes;
    }
    this.#each(without, groups, (group, line) => {
      group.at += line.copy(this.#bodies, group.at);
    });
    return groups
      .filter(({ bytes }) => bytes > 0)
      .map(({ prefix, firstOffset, bytes, at }) => ({
        prefix,
        firstOffset,
        body: this.#bodies.subarray(at - bytes, at),
      }));
  }

  #each(
    without: ReadonlySet<number>,
    groups: readonly Group[],
    take: (group: Group, line: Buffer, offset: number) => void,
  ): void {
    for (let index = 0; index < this.#entries.count; index++) {
      const offset = this.#entries.offset(index);
      if (without.has(offset)) continue;
      take(groups[this.#groups[index] as number] as Group, this.#entries.bytes(index), offset);
    }
  }

  #numberOf(prefix: string): number {
    let number = this.#numbers.get(prefix);
    if (number === undefined) {
      number = this.#prefixes.push(prefix) - 1;
      this.#numbers.set(prefix, number);
    }
    return number;
  }
}
