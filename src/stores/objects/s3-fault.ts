/** What an S3 server answers, or that it does not, as a Fault with bucket and key. No header or signature of a request is in it. */
import { S3ServiceException } from '@aws-sdk/client-s3';
import { Fault, reasonOf } from '../../errors.ts';

/** Of a server's text in a message. */
const maxReasonChars = 300;

/** The server does not answer, or says that it cannot now; what it refuses, it would refuse again. */
export function isOutage(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status === 429 || status >= 500;
}

export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === 'NoSuchKey' || error.name === 'NotFound');
}

/** 412 to a write that is for a key with no object. */
export function isTaken(error: unknown): boolean {
  return statusOf(error) === 412;
}

export function isNotImplemented(error: unknown): boolean {
  return statusOf(error) === 501;
}

/** @param what such as `put object "a/b.json"` */
export function s3Fault(error: unknown, what: string, where: string): Fault {
  const status = statusOf(error);
  const reason = reasonOf(error).replaceAll(/\s+/g, ' ').slice(0, maxReasonChars);
  const answer = status === undefined ? '' : `${status} `;
  return new Fault('OBJECTS_UNAVAILABLE', `${where}: cannot ${what}: ${answer}${nameOf(error)}: ${reason}`);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}

/** Undefined where nothing was answered. */
function statusOf(error: unknown): number | undefined {
  const { $metadata } = Object(error) as Partial<Pick<S3ServiceException, '$metadata'>>;
  return $metadata?.httpStatusCode;
}
