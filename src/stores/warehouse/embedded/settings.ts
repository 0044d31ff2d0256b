/**
 * Settings of an embedded PostgreSQL: for taking in much data on a laptop, without giving up a byte of what was
 * committed. They stand on the command line, where ALTER SYSTEM cannot change them.
 */
export type Settings = Readonly<Record<string, string | number>>;

export const embeddedSettings: Settings = {
  // Only a socket that nobody else can open.
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // A commit that was answered is on disk.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Fewer checkpoints, so that fewer whole pages go to the write-ahead log; at most this much disk for it.
  max_wal_size: '2GB',
  min_wal_size: '128MB',
  checkpoint_timeout: '15min',
  wal_compression: 'pglz',
  // No standby reads the log, and tables loaded in the transaction that made them need not be logged at all.
  wal_level: 'minimal',
  max_wal_senders: 0,
  shared_buffers: '128MB',
  max_connections: 40,
  // A server that crashes ends, and the supervisor starts it again: one that begins anew by itself may wait for ever for a
  // recovery that has ended (docs/decisions/embedded-postgres.md).
  restart_after_crash: 'off',
  jit: 'off',
  timezone: 'UTC',
  // A refused row is told as a dead letter; what matters here is the server's own state.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};
