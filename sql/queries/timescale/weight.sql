-- Where the columnstore has transactions.

-- name: columnstore
-- The batches of the first chunk that is there, and how many transactions they hold.
SELECT s.compress_relid::text AS relation,
       (SELECT sum(tx_count) FROM txhub.blocks WHERE time >= c.range_start AND time < c.range_end)::bigint AS rows
FROM timescaledb_information.chunks c
JOIN _timescaledb_catalog.compression_settings s
    ON s.relid = format('%I.%I', c.chunk_schema, c.chunk_name)::regclass AND s.compress_relid IS NOT NULL
WHERE c.hypertable_schema = 'txhub' AND c.hypertable_name = 'transactions'
ORDER BY c.range_start
LIMIT 1
