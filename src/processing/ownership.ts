/** That a partition is this process's to process, as far as it knows; the log knows better, and is asked where it matters. */
import type { Member, PartitionOwner, TopicPartition } from '../log/log.ts';

export class Ownership {
  readonly at: TopicPartition;
  readonly #member: Promise<Member>;
  #landedTo = 0;

  constructor(at: TopicPartition, member: Promise<Member>) {
    this.at = at;
    this.#member = member;
  }

  async landed(offset: number): Promise<void> {
    this.#landedTo = offset;
    (await this.#member).landed(this.at, offset);
  }

  /** To be asked before anything is read that is decided by (`Member.term`). */
  async term(): Promise<number | undefined> {
    return (await this.#member).term(this.at);
  }

  /** For what is to be appended by the owner only. */
  async owner(term: number | undefined): Promise<PartitionOwner> {
    return { member: await this.#member, at: this.at, term, landedTo: this.#landedTo };
  }
}
