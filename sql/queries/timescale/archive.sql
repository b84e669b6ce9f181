-- What retention asks of the edition: chunks are dropped whole, and aggregates must have seen their rows before.

-- name: cuts
-- Of these times, those that no chunk of a table that retention cuts straddles.
SELECT cut
FROM unnest($1::timestamptz[]) AS cut
WHERE NOT EXISTS (
    SELECT FROM timescaledb_information.chunks
    WHERE hypertable_schema = 'txhub' AND hypertable_name IN ('transactions', 'token_transfers', 'utxo_io')
      AND range_start < cut AND range_end > cut)
ORDER BY cut

-- name: policies_reach
-- How far back the refresh policies of the aggregates over raw rows look; null: there are none. Those over other
-- aggregates read no raw rows.
SELECT max((j.config ->> 'start_offset')::interval)
FROM timescaledb_information.continuous_aggregates a
JOIN timescaledb_information.jobs j
    ON j.hypertable_schema = a.view_schema AND j.hypertable_name = a.view_name
   AND j.proc_name = 'policy_refresh_continuous_aggregate'
WHERE a.hypertable_schema = 'txhub'

-- name: rows_not_materialised
-- Whether an aggregate over raw rows still reads some from before $1 when it is asked, instead of having stored them.
WITH watermarks AS (
    SELECT h.table_name,
           _timescaledb_functions.to_timestamp(min(_timescaledb_functions.cagg_watermark(c.mat_hypertable_id))) AS time
    FROM _timescaledb_catalog.continuous_agg c
    JOIN _timescaledb_catalog.hypertable h ON h.id = c.raw_hypertable_id
    WHERE h.schema_name = 'txhub'
    GROUP BY h.table_name
)
SELECT EXISTS (SELECT FROM txhub.transactions
               WHERE block_time >= (SELECT time FROM watermarks WHERE table_name = 'transactions') AND block_time < $1)
    OR EXISTS (SELECT FROM txhub.token_transfers
               WHERE block_time >= (SELECT time FROM watermarks WHERE table_name = 'token_transfers')
                 AND block_time < $1)
