/**
 * What has to be set before anything else is loaded.
 *
 * - Sixteen threads for file operations in place of libuv's four, which are made at their first use: objects are synced
 *   eight at a time, and the log must not queue behind them.
 * - V8 collects its old generation when that has grown by a third, not when it has doubled: memory stays flat at 175 MB (without
 *   the binary's own pages), where it went up and down between 195 and 300 MB. Landing pays for it (docs/decisions/performance.md).
 * - Node's cache of compiled modules (in the temporary directory): a start costs 0.2 s of CPU instead of 0.45.
 */
import { enableCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';

process.env['UV_THREADPOOL_SIZE'] ??= '16';
setFlagsFromString('--heap-growing-percent=30');
enableCompileCache();
