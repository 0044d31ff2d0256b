/** Packages of events with known content, and what each acknowledgement said of them. */
import type { Answer } from '../../ingest/answer.ts';
import type { Load } from '../load.ts';
import { between, type Random } from '../random.ts';

/** What an acknowledged event must have come to. */
export interface Sent {
  readonly line: string;
  /** The answer listed it among its errors. */
  readonly rejected: boolean;
}

const largestPackage = 10;

export interface SendingPackages {
  readonly path: string;
  readonly lines: Iterator<string>;
  readonly random: Random;
  /** By correlation id. */
  readonly acknowledged: Map<string, Sent>;
}

/** One package, until it is acknowledged. */
export async function sendPackage(load: Load, { path, lines, random, acknowledged }: SendingPackages): Promise<void> {
  const wanted = between(random, 1, largestPackage);
  const taken: string[] = [];
  while (taken.length < wanted) taken.push(lines.next().value as string);
  const { text } = await load.deliver({ path, body: `[${taken.join(',')}]` });
  const { packageId, errors } = JSON.parse(text) as Answer;
  const rejected = new Set(errors.map(({ index }) => index));
  taken.forEach((line, index) => {
    const id = packageId.slice(0, 30) + index.toString(16).padStart(6, '0');
    acknowledged.set(id, { line, rejected: rejected.has(index) });
  });
}
