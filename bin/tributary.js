#!/usr/bin/env node
// Runs the command on a Node.js that can: this one from 24 on, else the one that is pinned in the repository. Plain
// JavaScript that an old Node can parse; the program itself is src/cli/program.ts, or lib/cli/program.js once published.
import { spawn } from 'child_process';
import { existsSync, readFileSync } from 'fs';
import module, { createRequire } from 'module';
import { dirname, join } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

const neededMajor = 24;
/** As in tools/node. */
const pinnedMajor = 26;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'src', 'cli', 'program.ts');
const program = existsSync(source) ? source : join(root, 'lib', 'cli', 'program.js');

function major(version) {
  return Number(version.replace(/^v/, '').split('.')[0]);
}

const windows = process.platform === 'win32';
const apple = process.platform === 'darwin' && process.arch === 'arm64';
/** The platform package of tools/node, named as in scripts/link-node.mjs. */
const nodePackage = (apple ? 'node-bin' : 'node') + '-' + (windows ? 'win' : process.platform) + '-' + process.arch;

function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve(nodePackage + '/package.json');
    if (major(JSON.parse(readFileSync(manifest, 'utf8')).version) < neededMajor) return undefined;
    return join(dirname(manifest), 'bin', windows ? 'node.exe' : 'node');
  } catch {
    return undefined; // not installed: --omit=dev, a published package, or a platform without one
  }
}

function runOn(node) {
  // The channel tells the program when this process is killed, so that it does not stay behind.
  // The settings of `npm start`: less memory that neither V8 nor malloc gives back (docs/decisions/performance.md).
  const settings = ['--max-semi-space-size=8', fileURLToPath(import.meta.url)];
  const child = spawn(node, settings.concat(process.argv.slice(2)), {
    env: Object.assign({ MALLOC_ARENA_MAX: '2' }, process.env),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const pass = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  child.on('error', (error) => {
    process.stderr.write('error: ' + node + ' cannot be run (' + error.message + '). Run npm ci.\n');
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    for (const each of signals) process.removeListener(each, pass);
    if (signal) process.kill(process.pid, signal);
    else process.exit(code);
  });
}

if (major(process.version) >= neededMajor) {
  // Before the program's modules are read: their types need not be stripped again then, which is 0.2 s of CPU at each command.
  module.enableCompileCache();
  void import(pathToFileURL(program).href);
} else {
  const node = pinnedNode();
  if (node) runOn(node);
  else {
    process.stderr.write(
      'error: tributary needs Node.js ' +
        neededMajor +
        ' or newer, and this is ' +
        process.version +
        '. Install a newer Node.js, or one beside it: ' +
        (program === source ? 'npm ci' : 'npm install ' + nodePackage + '@' + pinnedMajor) +
        '\n',
    );
    process.exit(2);
  }
}
