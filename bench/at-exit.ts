/** What has to end with this process, also where it is interrupted: then nothing is awaited any more. */
const endings = new Set<() => void>();
const terminated = 143; // as a shell tells SIGTERM; of Ctrl-C the command line's program makes an exit

/** Answers how to call it off. @param end synchronous; what it throws is told, and the others end all the same */
export function atExit(end: () => void): () => void {
  if (endings.size === 0) {
    process.on('exit', endAll);
    process.on('SIGTERM', exit);
  }
  endings.add(end);
  return () => {
    endings.delete(end);
    if (endings.size > 0) return;
    process.off('exit', endAll);
    process.off('SIGTERM', exit);
  };
}

function exit(): void {
  process.exit(terminated);
}

/** The last one first. */
function endAll(): void {
  for (const end of [...endings].toReversed())
    try {
      end();
    } catch (error) {
      console.error(error);
    }
}
