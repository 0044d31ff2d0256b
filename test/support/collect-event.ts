/** Events as producers of collect send them, as JSON text, so that a test decides every byte of `data`. */
export interface EventParts {
  /** JSON text. */
  readonly data?: string;
  readonly type?: string;
  readonly time?: string | number;
  readonly messageId?: string;
  readonly accountId?: string;
  readonly userId?: string;
  readonly vendor?: string;
}

export const someUuid = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

export interface StampNames {
  readonly newContext: string;
  readonly timestamp: string;
  readonly messageId: string;
  readonly amplitudeTrack: string;
}

/** @param vendor what stands before the classes */
export function stampNames(vendor = 'Acme\\Messenger\\Stamp'): StampNames {
  const prefix = `X-Message-Stamp-${vendor}\\`;
  return {
    newContext: `${prefix}NewContextStamp`,
    timestamp: `${prefix}TimestampStamp`,
    messageId: `${prefix}MessageIdStamp`,
    amplitudeTrack: `${prefix}AmplitudeTrackStamp`,
  };
}

/** A valid event but for the parts that are given. */
export function collectEvent(parts: EventParts = {}): string {
  const { data = '{"id":"a","amount":1.5}', type = 'App\\Event\\Paid', time = '2026-11-21T10:00:00Z' } = parts;
  const { messageId = someUuid, accountId = someUuid, userId = someUuid } = parts;
  const names = stampNames(parts.vendor);
  const attributes = {
    type,
    targetSubscription: 'billing',
    [names.newContext]: { accountId, userId },
    [names.timestamp]: time,
    [names.messageId]: messageId,
  };
  return `{"data":${data},"attributes":${JSON.stringify(attributes)}}`;
}

export function packageOf(events: readonly string[]): string {
  return `[${events.join(',')}]`;
}
