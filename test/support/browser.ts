/** A real browser without a window: Chromium, as installed. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** TRIBUTARY_TEST_CHROMIUM, or the first on the PATH. */
export function findChromium(): string | undefined {
  const { TRIBUTARY_TEST_CHROMIUM: named, PATH = '' } = process.env;
  if (named !== undefined) return named;
  return names.flatMap((name) => PATH.split(delimiter).map((dir) => join(dir, name))).find((path) => existsSync(path));
}

/** Root may not have Chromium's sandbox; what it would ask of the network at its start is left out. */
const flags = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: flags });
}
