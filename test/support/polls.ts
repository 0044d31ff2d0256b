/**
 * A pipeline of requests for tests: votes and comments, with every way to be refused by what the choice is. The project's program runs it
 * where the configuration names this file.
 */
import { dayOf, definePipeline, http, objects, registered, Reject, type App, type Timestamp } from 'tributary';

export interface Poll {
  readonly voter: string;
  readonly choice: string | null;
  readonly kind: 'vote' | 'comment';
  readonly time: Timestamp;
}

export const subject = 'polls-value';

/** A choice longer than 40 characters is not of the schema. */
export const schema = JSON.stringify({
  type: 'object',
  required: ['voter', 'choice', 'kind', 'time'],
  properties: {
    voter: { type: 'string' },
    choice: { type: ['string', 'null'], maxLength: 40 },
    kind: { enum: ['vote', 'comment'] },
    time: { type: 'string' },
  },
});

export const pipeline = definePipeline<Poll, Poll>({
  name: 'polls',
  source: http.requests([
    {
      path: '/vote',
      parameters: ['voter', 'choice'],
      event: ({ voter = '', choice = '' }, { time }) => {
        if (choice === 'none') throw new Reject('choice', 'expected a choice');
        if (choice === 'defect') throw new TypeError('no such function');
        return { voter, choice, kind: 'vote', time };
      },
      answer: ({ choice }) => {
        if (choice === 'mute') throw new TypeError('nothing to say');
        return `counted: ${choice}`;
      },
    },
    {
      path: '/polls/comment',
      parameters: ['voter'],
      event: ({ voter = '' }, { time }) => ({ voter, choice: null, kind: 'comment', time }),
      answer: () => 'thanks',
    },
  ]),
  schema: registered(subject),
  topic: { name: 'polls', key: ({ voter }) => voter },
  deadLetterTopic: 'polls.dead.letter',
  process: {
    transform: (poll) => {
      if (poll.choice === 'late') throw new Reject('choice', 'expected one in time');
      return poll;
    },
    onInvalid: 'dead-letter',
  },
  sinks: [objects({ key: ({ time }) => `polls/date=${dayOf(time)}` })],
});

export const app: App = { pipeline };
