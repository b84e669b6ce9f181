-- The twin of timescale/rollup.sql. Here a commit keeps the rollups up to date by itself, partitions are days, and
-- there is no columnstore: nothing is left to do, but each name is here so that callers need not know.

-- name: refresh
SELECT $1::text, $2::timestamptz, $3::timestamptz

-- name: set_refresh_policy
SELECT $1::text, $2::interval, $3::interval, $4::interval

-- name: set_chunk_interval
SELECT $1::text, $2::interval

-- name: drop_columnstore_policy
SELECT $1::text

-- name: add_columnstore_policy
SELECT $1::text, $2::interval
