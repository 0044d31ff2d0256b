/**
 * What has to be set before anything else is loaded.
 *
 * - Sixteen threads for file operations in place of libuv's four, which are made at their first use: objects are synced
 *   eight at a time, and the log must not queue behind them.
 * - Node's cache of compiled modules (in the temporary directory): a start costs 0.2 s of CPU instead of 0.45.
 */
import { enableCompileCache } from 'node:module';

process.env['UV_THREADPOOL_SIZE'] ??= '16';
enableCompileCache();
