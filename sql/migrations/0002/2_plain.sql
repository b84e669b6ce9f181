-- The plain edition: the new tables in partitions by day like the transactions, and rollups that can be recomputed.

CREATE TYPE txhub.token_standard AS ENUM ('erc20', 'erc721', 'erc1155');
CREATE TYPE txhub.utxo_side AS ENUM ('in', 'out');

CREATE TABLE txhub.token_transfers (
    chain_id int NOT NULL,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    log_index int NOT NULL,
    token_address bytea NOT NULL,
    standard txhub.token_standard NOT NULL,
    from_address bytea NOT NULL,
    to_address bytea NOT NULL,
    token_id numeric,
    amount numeric NOT NULL
) PARTITION BY RANGE (block_time);

CREATE TABLE txhub.utxo_io (
    chain_id int NOT NULL,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    side txhub.utxo_side NOT NULL,
    n int NOT NULL,
    address bytea,
    script bytea NOT NULL,
    amount numeric NOT NULL
) PARTITION BY RANGE (block_time);

CREATE OR REPLACE FUNCTION txhub_rollup.make_room(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    day timestamptz;
    parent text;
    partition text;
BEGIN
    FOR day, parent IN
        SELECT d, p
        FROM generate_series(date_trunc('day', first, 'UTC'), last, INTERVAL '1 day') AS d,
             unnest(ARRAY['transactions', 'token_transfers', 'utxo_io']) AS p
    LOOP
        partition := parent || '_' || to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD');
        CONTINUE WHEN EXISTS (SELECT FROM pg_tables WHERE schemaname = 'txhub_rollup' AND tablename = partition);
        PERFORM pg_advisory_xact_lock(hashtext('txhub partitions'));
        CONTINUE WHEN EXISTS (SELECT FROM pg_tables WHERE schemaname = 'txhub_rollup' AND tablename = partition);
        EXECUTE format('CREATE TABLE txhub_rollup.%I (LIKE txhub.%I INCLUDING ALL)', partition, parent);
        EXECUTE format(
            'ALTER TABLE txhub_rollup.%I ADD CHECK (block_time >= %L AND block_time < %L)',
            partition, day, day + INTERVAL '1 day');
        EXECUTE format(
            'ALTER TABLE txhub.%I ATTACH PARTITION txhub_rollup.%I FOR VALUES FROM (%L) TO (%L)',
            parent, partition, day, day + INTERVAL '1 day');
    END LOOP;
END $$;

-- Every bucket that a span of time touches, anew from the rows: after rows were taken out. The lock is after_copy's.
CREATE FUNCTION txhub_rollup.recompute(chain int, first timestamptz, last timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    minute timestamptz := date_trunc('minute', first, 'UTC');
    past_minute timestamptz := date_trunc('minute', last, 'UTC') + INTERVAL '1 minute';
    hour timestamptz := date_trunc('hour', first, 'UTC');
    past_hour timestamptz := date_trunc('hour', last, 'UTC') + INTERVAL '1 hour';
    day timestamptz := date_trunc('day', first, 'UTC');
    past_day timestamptz := date_trunc('day', last, 'UTC') + INTERVAL '1 day';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('txhub rollup'), chain);
    DELETE FROM txhub_rollup.tx_1m WHERE chain_id = chain AND bucket >= minute AND bucket < past_minute;
    DELETE FROM txhub_rollup.chain_1m WHERE chain_id = chain AND bucket >= minute AND bucket < past_minute;
    DELETE FROM txhub_rollup.tx_1h WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour;
    DELETE FROM txhub_rollup.tx_1d WHERE chain_id = chain AND bucket >= day AND bucket < past_day;
    DELETE FROM txhub_rollup.peaks_1h WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour;

    INSERT INTO txhub_rollup.tx_1m
    SELECT chain_id, kind, date_trunc('minute', block_time, 'UTC'), count(*), count(success),
           count(*) FILTER (WHERE success = false), sum(value), max(value), sum(fee), sum(gas_used)
    FROM txhub.transactions
    WHERE chain_id = chain AND block_time >= minute AND block_time < past_minute
    GROUP BY 1, 2, 3;

    INSERT INTO txhub_rollup.chain_1m
    SELECT chain_id, bucket, sum(tx_count), sum(status_known_count), sum(failed_count), sum(value_sum),
           max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1m
    WHERE chain_id = chain AND bucket >= minute AND bucket < past_minute
    GROUP BY 1, 2;

    INSERT INTO txhub_rollup.tx_1h
    SELECT chain_id, kind, date_trunc('hour', bucket, 'UTC'), sum(tx_count), sum(status_known_count),
           sum(failed_count), sum(value_sum), max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1m
    WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour
    GROUP BY 1, 2, 3;

    INSERT INTO txhub_rollup.tx_1d
    SELECT chain_id, kind, date_trunc('day', bucket, 'UTC'), sum(tx_count), sum(status_known_count),
           sum(failed_count), sum(value_sum), max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1h
    WHERE chain_id = chain AND bucket >= day AND bucket < past_day
    GROUP BY 1, 2, 3;

    INSERT INTO txhub_rollup.peaks_1h
    SELECT chain_id, date_trunc('hour', bucket, 'UTC'),
           max(ARRAY[tx_count, -extract(epoch FROM bucket - date_trunc('hour', bucket, 'UTC'))::bigint])
    FROM txhub_rollup.chain_1m
    WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour
    GROUP BY 1, 2;
END $$;
