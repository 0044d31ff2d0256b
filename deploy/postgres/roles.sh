#!/bin/sh
# Run once by the image, as the superuser, when the volume is new: a database and a role for Tributary, and for the registry.
# The grants are those that `tributary warehouse grants --role tributary --database lake` prints.
set -eu

psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" -v tributary="$TRIBUTARY_DB_PASSWORD" -v registry="$REGISTRY_DB_PASSWORD" --dbname postgres <<'END'
CREATE ROLE tributary LOGIN PASSWORD :'tributary';
CREATE ROLE registry LOGIN PASSWORD :'registry';
CREATE DATABASE lake;
CREATE DATABASE registry OWNER registry;
REVOKE ALL ON DATABASE lake, registry FROM PUBLIC;
END

psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname lake <<'END'
REVOKE ALL ON SCHEMA public FROM PUBLIC;
BEGIN;
CREATE SCHEMA IF NOT EXISTS "public";
SET LOCAL search_path = "public";
GRANT CONNECT ON DATABASE "lake" TO "tributary";
GRANT USAGE, CREATE ON SCHEMA "public" TO "tributary";
GRANT TEMPORARY ON DATABASE "lake" TO "tributary";
COMMIT;
END
