/** Dumps of rates as pg_dump writes them, small. */
const head = `--
-- PostgreSQL database dump
--

\\restrict WZ6vcYsb

-- Dumped from database version 18.1

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

`;

const tables = `CREATE TABLE public.ports (
    code text NOT NULL,
    name text DEFAULT 'it''s; "one'::text NOT NULL,
    parent_slug text NOT NULL
);


ALTER TABLE public.ports OWNER TO somebody;

CREATE TABLE public.prices (
    orig_code text NOT NULL,
    dest_code text NOT NULL,
    day date NOT NULL,
    price integer NOT NULL
);

CREATE TABLE public.regions (
    slug text NOT NULL,
    name text NOT NULL,
    parent_slug text
);

COMMENT ON TABLE public.regions IS 'two
lines; and a ''quote;
';

`;

const ports = `COPY public.ports (code, name, parent_slug) FROM stdin;
AAAAA\tÅlesund\\tand\\nmore\tnorth
BBBBB\tOslo; -- "\tsouth
\\.

`;
const prices = `COPY public.prices (day, orig_code, dest_code, price) FROM stdin;
2021-01-31\tAAAAA\tBBBBB\t1244
2021-01-31\tAAAAA\tBBBBB\t1140
2021-01-31\tAAAAA\tBBBBB\t1079
\\.

`;
const regions = `COPY public.regions (slug, name, parent_slug) FROM stdin;
north\tNorth\tworld
world\tWorld\t\\N
south\tSouth\tworld
\\.

`;
const keys = `ALTER TABLE ONLY public.ports
    ADD CONSTRAINT ports_pkey PRIMARY KEY (code);

\\unrestrict WZ6vcYsb

`;

export const wholeDump = head + tables + ports + prices + regions + keys;

/** Rows, and nothing about their tables. */
export const dumpWithoutKeys = head + ports + prices + regions;
