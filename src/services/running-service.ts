/** A service in a directory of its own: its data, its log, and the number of its process, by which another process finds it again. */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from './service.ts';

const startLimitMs = 60_000;
const stopLimitMs = 30_000;
const lookEveryMs = 50;

export class RunningService {
  readonly service: Service;
  readonly dir: string;

  constructor(service: Service, dir: string) {
    this.service = service;
    this.dir = dir;
  }

  /** Resolves when it takes requests. */
  async up(): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    await this.service.install();
    if ((await this.pid()) === undefined) await this.#spawn();
    for (const endMs = Date.now() + startLimitMs; !(await this.isReady()); await sleep(lookEveryMs)) {
      if ((await this.#isThere()) && Date.now() < endMs) continue;
      throw new Error(`${this.service.name} did not start:\n${(await this.#log()).slice(-4000)}`);
    }
  }

  /** Asked twice: a process that has just begun is nobody's for a moment. */
  async #isThere(): Promise<boolean> {
    if ((await this.pid()) !== undefined) return true;
    await sleep(200);
    return (await this.pid()) !== undefined;
  }

  async #spawn(): Promise<void> {
    await this.service.prepare(this.dir);
    const { file, args, ids } = await this.service.command(this.dir);
    await rename(join(this.dir, 'log'), join(this.dir, 'log.before')).catch(noneYet);
    const log = await open(join(this.dir, 'log'), 'w');
    const stdio = ['ignore' as const, log.fd, log.fd];
    const child = spawn(file, [...args], { cwd: this.dir, detached: true, stdio, ...ids });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('spawn', resolve).once('error', reject);
    try {
      await promise;
    } finally {
      await log.close();
    }
    child.unref();
    await writeFile(join(this.dir, 'pid'), String(child.pid));
  }

  async down(
    signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' = this.service.stopSignal ?? 'SIGTERM',
  ): Promise<void> {
    const pid = await this.pid();
    if (pid !== undefined) process.kill(pid, signal);
    for (const endMs = Date.now() + stopLimitMs; (await this.pid()) !== undefined; await sleep(lookEveryMs))
      if (Date.now() > endMs) return this.down('SIGKILL');
    await rm(join(this.dir, 'pid'), { force: true });
  }

  async isReady(): Promise<boolean> {
    return (await this.pid()) !== undefined && this.service.isReady(await this.#log());
  }

  /** Undefined where it does not run. */
  async pid(): Promise<number | undefined> {
    const pid = Number(await readFile(join(this.dir, 'pid'), 'utf8').catch(() => '0'));
    return pid > 0 && (await this.#isOurs(pid)) ? pid : undefined;
  }

  /** Its number may be another process's by now: ours works in our directory, where the system tells. */
  async #isOurs(pid: number): Promise<boolean> {
    try {
      process.kill(pid, 0);
    } catch {
      return false;
    }
    if (process.platform !== 'linux') return true;
    const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    return `${workingDir}/`.startsWith(`${await realpath(this.dir)}/`); // PostgreSQL works in its data
  }

  #log(): Promise<string> {
    return readFile(join(this.dir, 'log'), 'utf8').catch(() => '');
  }
}

function noneYet(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
