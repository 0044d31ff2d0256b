/**
 * Log lines of refused requests, up to twenty a second: somebody who sends nothing but nonsense must not fill the disk or keep
 * the process busy with writing about it. The next line says how many were left out.
 */
import type { Logger } from 'pino';
import { TokenBucket } from '../access/token-bucket.ts';

const linesPerSecond = 20;

/** @param nowMs a clock that never goes back */
export function createRefusalLog(logger: Logger, nowMs = (): number => performance.now()): (line: object) => void {
  const bucket = new TokenBucket(linesPerSecond, nowMs());
  let leftOut = 0;
  return (line) => {
    if (bucket.take(nowMs()) > 0) {
      leftOut += 1;
      return;
    }
    logger.warn(leftOut === 0 ? line : { ...line, leftOut }, 'request refused');
    leftOut = 0;
  };
}
