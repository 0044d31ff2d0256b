/**
 * A package that is taken or refused as a whole (`Envelope`): every event of it goes into the log or, where one of them is invalid or its
 * body is no envelope, the body as it came, as one dead letter (D2).
 */
import { Reject } from '../event/reject.ts';
import type { Batch } from '../log/log.ts';
import type { RejectedInPackage } from './answer.ts';
import { envelopeEvents, pathInEnvelope } from './envelope.ts';
import { OpenPackage, type PackageOptions } from './open-package.ts';

export interface WholePackageOptions extends Omit<PackageOptions, 'batch' | 'onNotJson'> {
  /** The member of the body that holds the events. */
  readonly member: string;
  readonly newBatch: () => Batch;
}

/** @throws Fault PACKAGE_TOO_LARGE */
export function openWhole(body: Buffer, { member, newBatch, ...options }: WholePackageOptions): OpenPackage {
  const fresh = (): OpenPackage => new OpenPackage({ ...options, batch: newBatch(), onNotJson: 'reject-event' });
  const opened = fresh();
  try {
    for (const event of envelopeEvents(body, member)) opened.add(event);
  } catch (error) {
    if (!(error instanceof Reject)) throw error;
    const refused = fresh();
    const { path, message } = error;
    refused.refuseAll(body, error, {
      count: 1,
      errors: [{ index: null, correlationId: refused.packageId, path, message }],
    });
    return refused;
  }
  const { accepted, rejected, errors } = opened.answer();
  const [first] = errors;
  if (first === undefined) return opened;
  const refused = fresh();
  refused.refuseAll(body, reasonOf(first, member, rejected), { count: accepted + rejected, errors });
  return refused;
}

/** Of the letter: the first of what is wrong, and how much else. */
function reasonOf({ index, path, message }: RejectedInPackage, member: string, rejected: number): Reject {
  const more = rejected === 1 ? '' : ` (and ${rejected - 1} more of its events)`;
  return new Reject(pathInEnvelope(member, index as number, path), message + more);
}
