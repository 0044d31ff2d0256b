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

  /** For what is to be appended by the owner only. */
  async owner(): Promise<PartitionOwner> {
    return { member: await this.#member, at: this.at, landedTo: this.#landedTo };
  }
}
