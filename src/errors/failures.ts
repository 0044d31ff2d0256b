/** What whoever runs Tributary can mend: its settings, its machine, the servers that it stands on. */
import type { CatalogueEntry } from './catalogue-entry.ts';

export const failures = {
  CONFIG_INVALID: {
    status: 500,
    what: 'A setting is unknown, missing, or not of the form that is expected.',
    todo: 'Correct the named setting: a flag, a variable of the environment, or a line of the configuration file.',
  },
  PIPELINE_INVALID: {
    status: 500,
    what: 'The definition of a pipeline contradicts itself, its schema or another pipeline.',
    todo: 'Correct the named part of the pipeline definition.',
  },
  DATA_DIR_IN_USE: {
    status: 500,
    what: 'Another process writes the data directory; one at a time may.',
    todo: 'Stop the other process that runs on this data directory, or choose another one (--data-dir).',
  },
  ACCESS_NOT_SET_UP: {
    status: 500,
    what: 'The server would be reachable from other machines with nothing to guard it.',
    todo: 'Make a key with tributary keys add <name>, set TRIBUTARY_ADMIN_TOKEN or TRIBUTARY_ADMIN_TOKEN_FILE, or listen on 127.0.0.1.',
  },
  KEY_FILE_DAMAGED: {
    status: 500,
    what: 'The file of a key is not what was written to it.',
    todo: 'Remove the named file, and make a new key with tributary keys add.',
  },
  TLS_INVALID: {
    status: 500,
    what: 'The certificate or its private key cannot be read, or they do not belong together.',
    todo: 'Correct tls.certFile and tls.keyFile, or the files that they name.',
  },
  BUSY: {
    status: 503,
    what: 'The log had no room in time, or the work has to wait for other work that is under way.',
    todo: 'Send the package again after Retry-After seconds.',
  },
  LOG_FULL: {
    status: 503,
    what: 'The disk of the log is full, or so nearly that the rest is kept for what is under way.',
    todo: 'Free disk space; the log takes events again by itself.',
  },
  LOG_FAILED: {
    status: 503,
    what: 'A write to the log failed, so that it takes nothing more until it has been recovered.',
    todo: 'See the cause in the log lines; restarting recovers the log.',
  },
  LOG_UNAVAILABLE: {
    status: 503,
    what: 'The Kafka brokers cannot be reached, or do not answer in time.',
    todo: 'Start the Kafka brokers, or correct KAFKA_BROKERS, KAFKA_TLS or KAFKA_USERNAME; what waits goes on by itself.',
  },
  LOG_ROTTEN: {
    status: 500,
    what: 'A part of the log that was durable is not as it was written.',
    todo: 'Restore the named segment from a backup, or move it away and accept the loss of what it names.',
  },
  TOPIC_MISMATCH: {
    status: 500,
    what: 'A topic exists with other partitions than were asked for.',
    todo: 'Partitions of an existing topic can be added, not taken away.',
  },
  STATE_FULL: {
    what: 'The disk of the keyed state is full, or so nearly that the rest is kept for what is under way.',
    status: 503,
    todo: 'Free disk space.',
  },
  STATE_UNAVAILABLE: {
    status: 503,
    what: 'The server of the keyed state does not answer, refuses us, or is not set up as it has to be.',
    todo: 'See to the Redis (REDIS_URL) or PostgreSQL (DATABASE_URL) of the message; what waits for it goes on by itself.',
  },
  VIEW_BEHIND: {
    status: 503,
    what: 'A view has not counted yet what was in the log when it was asked.',
    todo: 'Ask again; where it stays so, see whether its store takes commits, and `tributary lag`.',
  },
  STATE_BUSY: {
    status: 503,
    what: 'The keyed state could not be opened in time, since another process has it.',
    todo: 'Try again; where it stays so, end the stopped process that has the named file open.',
  },
  SCHEMA_MISSING: {
    status: 503,
    what: 'The schema by which a pipeline checks events is not in the registry any more, or cannot be used.',
    todo: 'Register the schema of the pipeline again; until then its events are not taken.',
  },
  SCHEMA_REGISTRY_UNAVAILABLE: {
    status: 503,
    what: 'The schema registry does not answer, or not as one.',
    todo: 'Start the schema registry, or correct its address (--url, SCHEMA_REGISTRY_URL).',
  },
  OBJECT_KEY_INVALID: {
    status: 500,
    what: 'A pipeline made a key for an object that no object store takes.',
    todo: 'Percent-encode values before they become part of an object key.',
  },
  OBJECT_EXISTS: {
    status: 500,
    what: 'An object is there already that holds something else.',
    todo: 'The objects of another log are here: choose another object directory or bucket, or move those objects away.',
  },
  OBJECTS_UNAVAILABLE: {
    status: 503,
    what: 'The object store cannot be reached, or refuses what was asked of it.',
    todo: 'Start the object store, or correct S3_BUCKET, S3_ENDPOINT, the AWS_ variables or the rights on the bucket; what waits goes on by itself.',
  },
  WAREHOUSE_IN_USE: {
    status: 500,
    what: 'Another PostgreSQL runs on the files of the warehouse.',
    todo: 'Stop the other PostgreSQL that runs on this data directory.',
  },
  WAREHOUSE_UNAVAILABLE: {
    status: 503,
    what: 'PostgreSQL cannot be reached, or refuses the connection.',
    todo: 'Start PostgreSQL (tributary start has its own), or correct DATABASE_URL.',
  },
  WAREHOUSE_FULL: {
    status: 503,
    what: 'The disk of PostgreSQL has no room for what was to go in, and nothing of it has.',
    todo: 'Free disk space where PostgreSQL keeps its data, and send the batch again under the same key.',
  },
  WAREHOUSE_DENIED: {
    status: 503,
    what: 'PostgreSQL does not let our role do what landing takes.',
    todo: 'Run what tributary warehouse grants prints, as an administrator of the database; what waits goes on by itself.',
  },
  WAREHOUSE_TABLE_DIFFERS: {
    status: 500,
    what: 'The table of a sink exists with other columns than the pipeline declares.',
    todo: 'Rename or alter the existing table so that it has the columns that the pipeline declares.',
  },
  WAREHOUSE_TABLE_MISSING: {
    status: 503,
    what: 'A table that an app reads, or that takes batches, is not in the warehouse.',
    todo: 'Load it: tributary rates init loads those of rates.',
  },
  WAREHOUSE_MIGRATION_INVALID: {
    status: 500,
    what: 'The directory of migrations has a file that is none, or whose number is taken or passed.',
    todo: 'Name files 0001_some_words.sql and so on, and give a new one the number behind all others.',
  },
  WAREHOUSE_MIGRATION_CHANGED: {
    status: 500,
    what: 'A migration that was applied to the warehouse is not what it was then.',
    todo: 'Put the named file back as it was, and make the change in a new one with the next number.',
  },
  WAREHOUSE_MIGRATION_FAILED: {
    status: 500,
    what: 'PostgreSQL refuses a migration; nothing of its file has been applied.',
    todo: 'Correct the named file; it is tried again by itself, or by tributary warehouse migrate.',
  },
  STATE_NOT_SHARED: {
    status: 500,
    what: 'Nodes that share the partitions of a topic keep their checkpoints in different places.',
    todo: 'Give all nodes the same DATABASE_URL: with KAFKA_BROKERS, checkpoints are kept there.',
  },
  CHECKPOINT_LOST: {
    status: 500,
    what: 'A table has rows, and nothing says up to where they came from the log.',
    todo: 'Bring tributary_checkpoints along with the table, from the database that its rows came from; or rename or drop the table, and it is filled again from the log.',
  },
  LOG_OLDER: {
    status: 500,
    what: 'A table has more of the log than the data directory knows of: this was restored from a backup that is older than the database.',
    todo: 'Restore the database as of the same moment. Or, to keep its rows, set next_offset of its row in tributary_checkpoints to the offset that the keyed state knows of: what is in the log from there on lands.',
  },
  SERVER_UNREACHABLE: {
    status: 503,
    what: 'The command needs the running server, and could not connect to it.',
    todo: 'Start it (tributary start), or name where it runs (--to URL): only the running server writes the log.',
  },
  SERVER_SILENT: {
    status: 504,
    what: 'The server took the connection and did not answer in time.',
    todo: 'See its log lines, and whether its machine or its disk stands still.',
  },
  SERVER_REFUSED: {
    status: 502,
    what: 'The server broke off, or refused what the command asked.',
    todo: 'Do what the message says, and run the command again: what is done is not done twice.',
  },
  ENVIRONMENT_NOT_READY: {
    status: 500,
    what: 'An environment that was started in the background ended, or was not ready in time.',
    todo: 'See what its log says, correct it, and bring the environment up again.',
  },
  ENVIRONMENT_NOT_STOPPED: {
    status: 500,
    what: 'An environment was told to stop, or could not be told, and still runs.',
    todo: 'See its log lines; a second signal to its process ends it at once, which loses nothing that was acknowledged.',
  },
  PROGRAM_MISSING: {
    status: 500,
    what: 'A program that the command starts is not on this machine, and comes from no package registry.',
    todo: 'Install what is named, and run the command again.',
  },
  PIPELINE_HALTED: {
    status: 503,
    what: 'An event could not be processed, and the pipeline is told to stop rather than to set it aside.',
    todo: 'Repair the named event or the schema, or set onInvalid to dead-letter; then restart.',
  },
  MODELS_QUERY_FAILED: {
    status: 500,
    what: 'DuckDB could not run a query on the models.',
    todo: 'Correct the query; tributary models show lists the tables that there are.',
  },
  MODELS_NO_SPACE: {
    status: 500,
    what: 'The disk, or the quota of its user, has no room for the models that a run builds beside those of before.',
    todo: 'Free some room: a run takes twice what the models take.',
  },
  PULL_UNAVAILABLE: {
    status: 503,
    what: 'The API of a pull did not answer, or not with what it was asked for, however often it was tried.',
    todo: 'Pull again when the API is well: the run goes on where it stopped.',
  },
  PULL_REFUSED: {
    status: 502,
    what: 'The API of a pull refuses what it is asked for, or answers something else than the pull says.',
    todo: 'Correct the address, the credentials or the definition of the pull; the run goes on where it stopped.',
  },
  PULL_UNSTABLE: {
    status: 502,
    what: 'The list that is pulled changed during each try of a run, or its pages contradict each other.',
    todo: 'Pull when the list changes less, in larger pages, or by a cursor, if the API has one.',
  },
} as const satisfies Record<string, CatalogueEntry>;
