/**
 * Sixteen threads for file operations in place of libuv's four: objects are synced eight at a time, and the log must not
 * queue behind them. Has to be loaded before anything else: the pool is made at its first use.
 */
process.env['UV_THREADPOOL_SIZE'] ??= '16';
