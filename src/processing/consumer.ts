/** What reads a topic to its end and on: a pipeline's processor, one of its views, or the keeper of its dead letters. */
import type { ViewIdentity } from '../views/view-keys.ts';

export interface Consumer {
  readonly name: string;
  readonly topic: string;
  /** Given for a view, whose position is beside its entries. */
  readonly view?: Omit<ViewIdentity, 'logId'>;
}
