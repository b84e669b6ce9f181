-- The timescale edition: continuous aggregates.

CREATE MATERIALIZED VIEW txhub_rollup.value_hist_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       kind,
       time_bucket(INTERVAL '1 hour', block_time) AS bucket,
       txhub.value_bin(value) AS bin,
       count(*) AS tx_count
FROM txhub.transactions
GROUP BY 1, 2, 3, 4
WITH NO DATA;

CREATE MATERIALIZED VIEW txhub_rollup.token_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       token_address,
       time_bucket(INTERVAL '1 hour', block_time) AS bucket,
       count(*) AS transfer_count,
       sum(amount) AS amount_sum
FROM txhub.token_transfers
GROUP BY 1, 2, 3
WITH NO DATA;

-- The aggregates follow by themselves.
CREATE FUNCTION txhub_rollup.add_hours(chain int, first timestamptz, last timestamptz, numbers bigint[]) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;

CREATE FUNCTION txhub_rollup.recompute_hours(chain int, first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;
