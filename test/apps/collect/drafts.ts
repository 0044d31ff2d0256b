/** One line for each way in which the generator spoils an event. */
import { type Draft, Drafts } from '../../../apps/collect/draft-event.ts';
import { Random } from '../../../apps/random.ts';
import { shapeEvent } from '../../../apps/collect/shape-event.ts';
import { badIds, brokenContract } from '../../../apps/collect/spoil-event.ts';

export function* everySpoil(): Generator<{ readonly at: 'ingest' | 'processor'; readonly line: string }> {
  const random = new Random('every spoil');
  const drafts = new Drafts(random, Date.UTC(2026, 10, 20));
  const spoiled = (draft: Draft, changes: Partial<Draft>): string => shapeEvent({ ...draft, ...changes }, random);
  for (let index = 0; index < 100; index++) {
    const draft = drafts.draft(index);
    for (const spoil of brokenContract) yield { at: 'ingest', line: spoiled(draft, spoil(draft)) };
    for (const spoil of badIds) yield { at: 'processor', line: spoiled(draft, spoil(draft)) };
  }
}
