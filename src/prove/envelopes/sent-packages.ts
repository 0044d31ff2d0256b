/** Packages in envelopes, each sent once, without a key, by a producer that never sends again; and what it was told of each. */
import type { Envelope } from '../../pipeline/pipeline.ts';
import type { Load } from '../load.ts';
import { between, type Random } from '../random.ts';

export interface SentPackage {
  readonly lines: readonly string[];
  readonly body: string;
  /** `none`: no answer, or 503. What became of it nobody has told. */
  readonly answer: 'taken' | 'refused' | 'none';
  /** Of one that was refused: the id of its dead letter. */
  readonly packageId: string | undefined;
}

export interface SendingEnvelopes {
  readonly path: string;
  readonly envelope: Envelope;
  readonly lines: Iterator<string>;
  readonly random: Random;
  readonly onSent: (sent: SentPackage) => void;
}

const largestPackage = 20;

export async function sendEnvelope(
  load: Load,
  { path, envelope, lines, random, onSent }: SendingEnvelopes,
): Promise<void> {
  const wanted = between(random, 1, largestPackage);
  const taken: string[] = [];
  while (taken.length < wanted) taken.push(lines.next().value as string);
  const body = `{${JSON.stringify(envelope.events)}:[${taken.join(',')}]}`;
  const answered = await load.post({ path, body, final: [200, 400] });
  const answer = answered === undefined ? 'none' : answered.status === 200 ? 'taken' : 'refused';
  const { packageId } = answer === 'refused' ? (JSON.parse(answered?.text ?? '') as { packageId?: string }) : {};
  onSent({ lines: taken, body, answer, packageId });
}
