-- What a transaction weighs, by `txhub bench store`. asyncpg's parameters; all of it in one session.

-- name: begin
CREATE OR REPLACE FUNCTION pg_temp.weigh(relation regclass) RETURNS TABLE (name text, bytes bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    LOOP
        EXECUTE format('SELECT coalesce(sum(pg_column_size(%I)), 0) FROM %s', name, relation) INTO bytes;
        RETURN NEXT;
    END LOOP;
END $$

-- name: as_rows
-- Four hours of the first day as ordinary rows, with every index of theirs.
CREATE TEMP TABLE bench_rows (LIKE txhub.transactions INCLUDING INDEXES)

-- name: fill
INSERT INTO bench_rows
SELECT * FROM txhub.transactions
WHERE block_time < (SELECT min(time) + INTERVAL '4 hours' FROM txhub.blocks)
ORDER BY block_time, tx_index

-- name: rows
SELECT 'bench_rows'::regclass::text AS relation, count(*) AS rows FROM bench_rows

-- name: columns
-- Bytes of every column of the relation $1.
SELECT name, bytes FROM pg_temp.weigh($1::text::regclass)

-- name: sizes
-- Bytes of the relation $1: of its indexes, and of all of it.
SELECT pg_indexes_size($1::text::regclass) AS indexes, pg_total_relation_size($1::text::regclass) AS whole

-- name: end
DROP TABLE bench_rows

-- name: beside
-- Bytes of what is stored beside raw rows: the ledger, lists of the busiest, sketches, filters, and all else but the catalog,
-- which is rollups, by way of $1, the bytes of raw rows. And of how many blocks, transactions and days of a chain.
WITH sizes AS (
    SELECT n.nspname AS schema, c.relname AS name, pg_total_relation_size(c.oid) AS bytes
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', '_timescaledb_catalog')
), summed AS (
    SELECT sum(bytes) FILTER (WHERE schema = 'txhub' AND name = 'blocks') AS ledger,
           sum(bytes) FILTER (WHERE schema = 'txhub_rollup' AND name LIKE 'top\_%') AS lists,
           sum(bytes) FILTER (WHERE schema = 'txhub_rollup' AND name = 'active_1h') AS sketches,
           sum(bytes) FILTER (WHERE schema = 'txhub_rollup' AND name = 'day_filters') AS filters,
           sum(bytes) AS whole
    FROM sizes
)
SELECT ledger::bigint, lists::bigint, sketches::bigint, filters::bigint,
       (whole - ledger - lists - sketches - filters - $1)::bigint AS rollups,
       (SELECT count(*) FROM txhub.blocks) AS blocks, (SELECT sum(tx_count) FROM txhub.blocks)::bigint AS transactions,
       (SELECT count(*) FROM (SELECT DISTINCT chain_id, date_trunc('day', time, 'UTC') FROM txhub.blocks) AS seen) AS days
FROM summed
