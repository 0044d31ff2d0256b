/**
 * What is durable of a log, as the frames up to `end` of the newest segment tell: topics, and the next offset of each
 * partition. Changes only by a frame that is on disk.
 */
import { Fault } from '../../errors.ts';
import type { TopicPartition, TopicSpec } from '../log.ts';
import type { Frame } from './frame.ts';
import type { PlacedHeader, SegmentHeader } from './segment-header.ts';

export interface Place {
  readonly topicId: number;
  readonly partition: number;
}

interface Topic {
  readonly topicId: number;
  readonly spec: TopicSpec;
}

export class LogState {
  id = '';
  secret = '';
  /** Of the newest segment. */
  sequence = 0;
  /** Where the next frame begins in it. */
  end = 0;
  /** Sequence number of the next frame. */
  frame = 0;
  lastTimeMs = 0;
  #topics = new Map<string, Topic>();
  #next: number[][] = [];

  /** The state at the beginning of a segment. */
  begin(header: PlacedHeader): void {
    this.id = header.id;
    this.secret = header.secret;
    this.sequence = header.sequence;
    this.end = header.bytes;
    this.frame = header.frame;
    this.lastTimeMs = header.lastTimeMs;
    this.setTopics(header.topics);
    for (const [topicId, next] of header.next.entries()) this.#next[topicId] = [...next];
  }

  /** A frame of records in the newest segment became durable. */
  advance(frame: Frame): void {
    for (const section of frame.sections())
      this.#next[section.topicId]![section.partition] = section.baseOffset + section.count;
    this.#pass(frame);
  }

  /** A frame of topics became durable. */
  advanceTopics(frame: Frame, specs: readonly TopicSpec[]): void {
    this.setTopics(specs);
    this.#pass(frame);
  }

  #pass(frame: Frame): void {
    this.frame = frame.sequence + 1;
    this.lastTimeMs = frame.timeMs;
    this.end = frame.end;
  }

  /** `specs` holds the topics there were, at their places; new ones behind them. */
  setTopics(specs: readonly TopicSpec[]): void {
    this.#topics = new Map(specs.map((spec, topicId) => [spec.name, { topicId, spec }]));
    for (const [topicId, spec] of specs.entries()) {
      const next = (this.#next[topicId] ??= []);
      while (next.length < spec.partitions) next.push(0);
    }
  }

  topics(): TopicSpec[] {
    return [...this.#topics.values()].map((topic) => topic.spec);
  }

  /** @throws Fault TOPIC_UNKNOWN */
  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Fault('TOPIC_UNKNOWN', `There is no topic ${name}.`);
    return topic;
  }

  /** @throws Fault TOPIC_UNKNOWN */
  place(at: TopicPartition): Place {
    const { topicId, spec } = this.topic(at.topic);
    if (!Number.isInteger(at.partition) || at.partition < 0 || at.partition >= spec.partitions)
      throw new Fault('TOPIC_UNKNOWN', `Topic ${at.topic} has no partition ${at.partition}.`);
    return { topicId, partition: at.partition };
  }

  next(place: Place): number {
    return this.#next[place.topicId]?.[place.partition] ?? 0;
  }

  /** What the header of the segment after the newest one says. */
  nextHeader(): SegmentHeader {
    return {
      version: 1,
      id: this.id,
      secret: this.secret,
      sequence: this.sequence + 1,
      frame: this.frame,
      previousBytes: this.end,
      lastTimeMs: this.lastTimeMs,
      topics: this.topics(),
      next: this.#next,
    };
  }
}

export const nextIn = (header: SegmentHeader, place: Place): number =>
  header.next[place.topicId]?.[place.partition] ?? 0;
