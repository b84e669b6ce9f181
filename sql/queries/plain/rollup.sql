-- The twin of timescale/rollup.sql. Here a commit keeps the rollups up to date by itself, partitions are days, and
-- there is no columnstore: nothing is left to do, but each name is here so that callers need not know.

-- name: refresh
SELECT $1::text, $2::timestamptz, $3::timestamptz

-- name: is_filled
SELECT true OR $1::text IS NULL

-- name: set_refresh_policy
SELECT $1::text, $2::interval, $3::interval, $4::interval

-- name: set_chunk_interval
SELECT $1::text, $2::interval

-- name: columnstore_policy
SELECT NULL::interval FROM (VALUES ($1::text)) AS t

-- name: drop_columnstore_policy
SELECT $1::text

-- name: add_columnstore_policy
SELECT $1::text, $2::interval

-- name: rollup_states
SELECT c.relname AS name, NULL::timestamptz AS watermark, NULL::timestamptz AS last_run, NULL::text AS last_status,
       NULL::timestamptz AS next_run, 0::bigint AS failures, NULL::text AS last_error
FROM pg_class c
WHERE c.relnamespace = 'txhub_rollup'::regnamespace AND c.relkind = 'r'

-- name: hypertable_states
SELECT p.relname AS name, INTERVAL '1 day' AS chunk_interval, NULL::interval AS compress_after,
       count(i.inhrelid) AS chunks, 0::bigint AS columnstore_chunks,
       coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)::bigint AS bytes, NULL::bigint AS saved_bytes
FROM pg_class p
LEFT JOIN pg_inherits i ON i.inhparent = p.oid
WHERE p.relnamespace = 'txhub'::regnamespace AND p.relkind = 'p'
GROUP BY p.relname
