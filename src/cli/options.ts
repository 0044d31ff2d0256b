/** Options that several commands have, and how their texts are read. */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { Fault, reasonOf } from '../errors.ts';
import { type Config, type Flags, loadConfig } from '../config/config.ts';

export interface ConfigOptions extends Flags {
  readonly config?: string;
}

export function withConfig(command: Command): Command {
  return withConfigFile(command).option('--env <name>', 'the environment of that name (tributary env; default: none)');
}

/** For commands on environments, too, which lie in the data directory. */
export function withConfigFile(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'what the embedded engine keeps (default: .tributary)')
    .option('--config <file>', 'configuration file (default: tributary.config.json, where there is one)');
}

/** @throws Fault CONFIG_INVALID */
export function configOf(options: ConfigOptions): Config {
  const config = loadConfig({ file: options.config, env: process.env, flags: options });
  checkDataDir(config.dataDir);
  return config;
}

/** It may be missing. What is no directory would be told by whatever meets it first, in words that name something within it. */
export function checkDataDir(dir: string): void {
  try {
    for (const path of [dir, ...parentsOf(dir)]) {
      const found = statSync(path, { throwIfNoEntry: false });
      if (found?.isDirectory()) return;
      if (found) throw new Fault('CONFIG_INVALID', `the data directory ${dir} cannot be used: ${path} is a file`);
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('CONFIG_INVALID', `the data directory ${dir} cannot be used: ${reasonOf(error)}`, { cause: error });
  }
}

function parentsOf(path: string): readonly string[] {
  const parent = dirname(resolve(path));
  return parent === path ? [] : [parent, ...parentsOf(parent)];
}

export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

export function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`Expected a whole number, at least ${min}.`);
  };
}

/** Of seconds and of rates: what is larger is a slip of the finger. */
const largestNumber = 1e9;

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= largestNumber) return value;
  throw new InvalidArgumentError(`Expected a number above 0, up to ${largestNumber}.`);
}

/** `1%` or `0.01`; a bare `1` could mean either and is refused. */
export function share(text: string): number {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const value = percent ? Number(percent[1]) / 100 : Number(text);
  if ((percent && value <= 1) || /^0(\.\d+)?$/.test(text)) return value;
  throw new InvalidArgumentError('Expected a share such as 1% or 0.01.');
}

export interface SizeRange {
  readonly min: number;
  readonly max: number;
}

/** `1..500`, or `10` for always the same. */
export function sizeRange(text: string): SizeRange {
  const found = /^(\d+)(?:\.\.(\d+))?$/.exec(text);
  const min = Number(found?.[1]);
  const max = Number(found?.[2] ?? min);
  if (min >= 1 && max >= min && max <= 100_000) return { min, max };
  throw new InvalidArgumentError('Expected a range such as 1..500, or one number, up to 100000.');
}
