/**
 * A producer that does nothing wrong, beside others that do: sends small packages one after the other over a connection that
 * it keeps, and notes what it was answered and how long the slowest answer took.
 */
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { collectEvent, packageOf } from './collect-event.ts';
import { httpRequest, type PackageAnswer } from './http-request.ts';

export interface ProducerReport {
  /** How many answers there were of each status; `failed` where there was none. */
  readonly answers: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** Correlation ids of all that was acknowledged. */
  readonly acknowledged: readonly string[];
}

export interface GoodProducer {
  /** Resolves when the next package has been answered. */
  answer(): Promise<void>;
  /** Ends after the package under way. */
  stop(): Promise<ProducerReport>;
}

const body = packageOf([collectEvent(), collectEvent()]);
const pauseMs = 10;

export function startGoodProducer(url: string): GoodProducer {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: Record<string, number> = {};
  let slowestMs = 0;
  const acknowledged: string[] = [];
  const stopping = new AbortController();
  let answered = Promise.withResolvers<void>();

  async function sendOne(): Promise<void> {
    const startedMs = performance.now();
    const status = await httpRequest(`${url}/collect`, { body, agent }).then(
      ({ status: code, text }) => {
        if (code === 200) acknowledged.push(...idsOf(JSON.parse(text) as PackageAnswer));
        return String(code);
      },
      (error: Error) => `failed: ${error.message}`,
    );
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    answers[status] = (answers[status] ?? 0) + 1;
    const resolve = answered.resolve;
    answered = Promise.withResolvers();
    resolve();
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sendOne();
      await sleep(pauseMs);
    }
  }

  const running = run();
  return {
    answer: () => answered.promise,
    stop: async () => {
      stopping.abort();
      await running;
      agent.destroy();
      return { answers, slowestMs, acknowledged };
    },
  };
}

function idsOf({ packageId, accepted }: PackageAnswer): string[] {
  return Array.from({ length: accepted }, (_, index) => packageId.slice(0, 30) + index.toString(16).padStart(6, '0'));
}
