/**
 * Log lines that whoever sends nonsense could cause without end, up to twenty a second: they must not fill the disk or keep the process
 * busy with writing. The next line says how many were left out.
 */
import { TokenBucket } from '../access/token-bucket.ts';

const linesPerSecond = 20;

/** @param nowMs a clock that never goes back */
export function limitedLines(
  write: (line: object) => void,
  nowMs = (): number => performance.now(),
): (line: object) => void {
  const bucket = new TokenBucket(linesPerSecond, nowMs());
  let leftOut = 0;
  return (line) => {
    if (bucket.take(nowMs()) > 0) {
      leftOut += 1;
      return;
    }
    write(leftOut === 0 ? line : { ...line, leftOut });
    leftOut = 0;
  };
}
