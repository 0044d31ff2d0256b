/** Where the keyed state has that a consumer's objects are being merged (`compaction-hold.ts`). */
export function compactionKey(logId: string, consumer: string): string {
  return `compaction/${logId}/${consumer}`;
}
