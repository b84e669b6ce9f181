-- The timescale edition: a hypertable, and continuous aggregates in a hierarchy.

CREATE TABLE txhub.transactions (
    chain_id int NOT NULL,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    hash bytea NOT NULL,
    from_address bytea,
    to_address bytea,
    value numeric NOT NULL,
    fee numeric,
    gas_used bigint,
    gas_price bigint,
    tx_type smallint NOT NULL,
    kind txhub.tx_kind NOT NULL,
    method_id bytea,
    input_size int NOT NULL,
    nonce bigint,
    success boolean
) WITH (
    tsdb.hypertable,
    tsdb.partition_column = 'block_time',
    tsdb.chunk_interval = '1 day',
    tsdb.create_default_indexes = false,
    tsdb.segmentby = 'chain_id',
    tsdb.orderby = 'block_time DESC, block_number DESC, tx_index DESC',
    tsdb.index = 'bloom(hash),bloom(from_address),bloom(to_address),minmax(value)'
);

CREATE MATERIALIZED VIEW txhub_rollup.tx_1m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       kind,
       time_bucket(INTERVAL '1 minute', block_time) AS bucket,
       count(*) AS tx_count,
       count(success) AS status_known_count,
       count(*) FILTER (WHERE success = false) AS failed_count,
       sum(value) AS value_sum,
       max(value) AS value_max,
       sum(fee) AS fee_sum,
       sum(gas_used) AS gas_used
FROM txhub.transactions
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW txhub_rollup.tx_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       kind,
       time_bucket(INTERVAL '1 hour', bucket) AS bucket,
       sum(tx_count)::bigint AS tx_count,
       sum(status_known_count)::bigint AS status_known_count,
       sum(failed_count)::bigint AS failed_count,
       sum(value_sum) AS value_sum,
       max(value_max) AS value_max,
       sum(fee_sum) AS fee_sum,
       sum(gas_used) AS gas_used
FROM txhub_rollup.tx_1m
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW txhub_rollup.tx_1d
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       kind,
       time_bucket(INTERVAL '1 day', bucket) AS bucket,
       sum(tx_count)::bigint AS tx_count,
       sum(status_known_count)::bigint AS status_known_count,
       sum(failed_count)::bigint AS failed_count,
       sum(value_sum) AS value_sum,
       max(value_max) AS value_max,
       sum(fee_sum) AS fee_sum,
       sum(gas_used) AS gas_used
FROM txhub_rollup.tx_1h
GROUP BY 1, 2, 3
WITH NO DATA;

-- `bucket` is third, as `block_time` is in the hypertable: TimescaleDB 2.29 looks there when an aggregate is
-- built on this one.
CREATE MATERIALIZED VIEW txhub_rollup.chain_1m
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       sum(tx_count)::bigint AS tx_count,
       time_bucket(INTERVAL '1 minute', bucket) AS bucket,
       sum(status_known_count)::bigint AS status_known_count,
       sum(failed_count)::bigint AS failed_count,
       sum(value_sum) AS value_sum,
       max(value_max) AS value_max,
       sum(fee_sum) AS fee_sum,
       sum(gas_used) AS gas_used
FROM txhub_rollup.tx_1m
GROUP BY 1, 3
WITH NO DATA;

-- The busiest minute as [tx_count, -seconds into the hour]: the greatest such pair, so the earliest of equals.
CREATE MATERIALIZED VIEW txhub_rollup.peaks_1h
WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT chain_id,
       time_bucket(INTERVAL '1 hour', bucket) AS bucket,
       max(ARRAY[tx_count, -extract(epoch FROM bucket - time_bucket(INTERVAL '1 hour', bucket))::bigint]) AS peak
FROM txhub_rollup.chain_1m
GROUP BY 1, 2
WITH NO DATA;

-- What a commit asks of the edition. The hypertable makes its own chunks, and its aggregates follow by themselves.

CREATE FUNCTION txhub_rollup.make_room(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;

CREATE FUNCTION txhub_rollup.before_copy(bulk boolean) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT set_config('timescaledb.enable_direct_compress_copy', bulk::text, true);
    END;

CREATE FUNCTION txhub_rollup.after_copy(chain int, first timestamptz, last timestamptz, numbers bigint[]) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;
