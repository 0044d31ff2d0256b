/** Numbers for JSON values, equal where the values are, whatever the order of members; each object is looked at once. */
export class Identities {
  readonly #numbers = new Map<string, number>();
  readonly #seen = new Map<object, number>();

  of(value: unknown): number {
    if (typeof value !== 'object' || value === null) return this.#number(JSON.stringify(value) ?? 'undefined');
    const seen = this.#seen.get(value) ?? this.#number(this.#shape(value));
    this.#seen.set(value, seen);
    return seen;
  }

  #shape(value: object): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.of(item)).join(',')}]`;
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${this.of(member)}`).join(',')}}`;
  }

  #number(shape: string): number {
    const known = this.#numbers.get(shape) ?? this.#numbers.size;
    this.#numbers.set(shape, known);
    return known;
  }
}
