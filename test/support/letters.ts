/** Dead letters of the real program, and what commands and the admin API do about them. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EditOutcome } from '../../src/dead-letters/edit.ts';
import type { ReplayOutcome } from '../../src/dead-letters/replay.ts';
import { collectEvent, packageOf } from './collect-event.ts';
import { taken } from './http-request.ts';
import { type Program, type Ran, runProgram } from './program.ts';

/** Refused at ingest, as it has no amount. */
export function withoutAmount(id: string): string {
  return collectEvent({ data: JSON.stringify({ id }) });
}

export const setAmount = '{"data":{"amount":1.50}}';

/** @returns the letters' correlation ids */
export async function makeLetters(url: string, count: number, packageSize = 500): Promise<readonly string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const size = Math.min(packageSize, count - ids.length);
    const events = Array.from({ length: size }, (_, i) => withoutAmount(`order ${ids.length + i}`));
    const { errors } = await taken(url, packageOf(events));
    ids.push(...errors.map(({ correlationId }) => correlationId));
  }
  return ids;
}

export interface Repaired<Outcome> {
  readonly ran: Ran;
  readonly outcomes: readonly Outcome[];
  readonly summary: Readonly<Record<string, number>> | undefined;
}

export function replay(url: string, ...args: readonly string[]): Promise<Repaired<ReplayOutcome>> {
  return repair<ReplayOutcome>(['replay', ...args, '--to', url]);
}

export function patch(url: string, text: string, ...args: readonly string[]): Promise<Repaired<EditOutcome>> {
  return repair<EditOutcome>(['edit', '--patch', text, ...args, '--to', url]);
}

async function repair<Outcome>(args: readonly string[]): Promise<Repaired<Outcome>> {
  const ran = await runProgram(['dead-letters', ...args, '--json']);
  const lines = ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Outcome & { summary?: Record<string, number> });
  return { ran, outcomes: lines.filter((line) => !('summary' in line)), summary: lines.at(-1)?.summary };
}

export interface ShownLetter {
  readonly correlationId: string;
  readonly at: string;
  readonly error: { readonly path: string; readonly message: string };
  readonly state: 'open' | 'edited' | 'replayed';
  readonly edits: readonly { readonly at: string }[];
  readonly replays: readonly { readonly at: string; readonly correlationId: string }[];
  readonly event: string;
  readonly edited?: string;
}

/** By `tributary dead-letters list`. */
export async function listed(dataDir: string, ...args: readonly string[]): Promise<readonly ShownLetter[]> {
  const ran = await runProgram(['dead-letters', 'list', '--json', '--data-dir', dataDir, ...args]);
  assert.equal(ran.code, 0, ran.stderr);
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ShownLetter);
}

/**
 * Replays everything over HTTP, and kills the program when so many bytes of outcomes have come, and so long after: a batch
 * takes 20 to 100 ms, and a kill has to come at any point of it.
 * @returns false where all was done before
 */
export function replayUntilKilled(program: Program, killAfterBytes: number, delayMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(`${program.url}/admin/dead-letters/replay`, { method: 'POST', headers });
    let bytes = 0;
    let killed: Promise<unknown> | undefined;
    const ended = (): void => void Promise.resolve(killed).then(() => resolve(killed !== undefined), reject);
    sent.on('error', ended);
    sent.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > killAfterBytes) killed ??= sleep(delayMs).then(() => program.kill('SIGKILL'));
      });
      response.on('end', ended).on('error', ended);
    });
    sent.end(JSON.stringify({ filter: {}, dryRun: false }));
  });
}
