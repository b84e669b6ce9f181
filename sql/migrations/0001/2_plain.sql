-- The plain edition: native partitions by day, and rollup tables that each commit keeps up to date.

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
) PARTITION BY RANGE (block_time);

CREATE TABLE txhub_rollup.tx_1m (
    chain_id int NOT NULL,
    kind txhub.tx_kind NOT NULL,
    bucket timestamptz NOT NULL,
    tx_count bigint NOT NULL,
    status_known_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    fee_sum numeric,
    gas_used numeric,
    PRIMARY KEY (chain_id, bucket, kind)
);

CREATE TABLE txhub_rollup.tx_1h (
    chain_id int NOT NULL,
    kind txhub.tx_kind NOT NULL,
    bucket timestamptz NOT NULL,
    tx_count bigint NOT NULL,
    status_known_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    fee_sum numeric,
    gas_used numeric,
    PRIMARY KEY (chain_id, bucket, kind)
);

CREATE TABLE txhub_rollup.tx_1d (
    chain_id int NOT NULL,
    kind txhub.tx_kind NOT NULL,
    bucket timestamptz NOT NULL,
    tx_count bigint NOT NULL,
    status_known_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    fee_sum numeric,
    gas_used numeric,
    PRIMARY KEY (chain_id, bucket, kind)
);

CREATE TABLE txhub_rollup.chain_1m (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    tx_count bigint NOT NULL,
    status_known_count bigint NOT NULL,
    failed_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    fee_sum numeric,
    gas_used numeric,
    PRIMARY KEY (chain_id, bucket)
);

CREATE TABLE txhub_rollup.peaks_1h (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    peak bigint[] NOT NULL,
    PRIMARY KEY (chain_id, bucket)
);

-- What a commit asks of the edition: room first, in a transaction of its own, because two commits that need the same
-- new partition would otherwise wait for each other. Attaching takes no lock that a reader or a COPY notices.

CREATE FUNCTION txhub_rollup.make_room(first timestamptz, last timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    day timestamptz;
    partition text;
BEGIN
    FOR day IN SELECT generate_series(date_trunc('day', first, 'UTC'), last, INTERVAL '1 day') LOOP
        partition := 'transactions_' || to_char(day AT TIME ZONE 'UTC', 'YYYYMMDD');
        CONTINUE WHEN EXISTS (SELECT FROM pg_tables WHERE schemaname = 'txhub_rollup' AND tablename = partition);
        PERFORM pg_advisory_xact_lock(hashtext('txhub partitions'));
        CONTINUE WHEN EXISTS (SELECT FROM pg_tables WHERE schemaname = 'txhub_rollup' AND tablename = partition);
        EXECUTE format('CREATE TABLE txhub_rollup.%I (LIKE txhub.transactions INCLUDING ALL)', partition);
        EXECUTE format(
            'ALTER TABLE txhub_rollup.%I ADD CHECK (block_time >= %L AND block_time < %L)',
            partition, day, day + INTERVAL '1 day');
        EXECUTE format(
            'ALTER TABLE txhub.transactions ATTACH PARTITION txhub_rollup.%I FOR VALUES FROM (%L) TO (%L)',
            partition, day, day + INTERVAL '1 day');
    END LOOP;
END $$;

CREATE FUNCTION txhub_rollup.before_copy(bulk boolean) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;

-- Adds the blocks just copied to their minutes, and recomputes the hours and days around them. Commits of one chain
-- take turns here: an hour must see every minute that another commit has added.
CREATE FUNCTION txhub_rollup.after_copy(chain int, first timestamptz, last timestamptz, numbers bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('txhub rollup'), chain);

    INSERT INTO txhub_rollup.tx_1m AS minute
    SELECT chain_id, kind, date_trunc('minute', block_time, 'UTC'), count(*), count(success),
           count(*) FILTER (WHERE success = false), sum(value), max(value), sum(fee), sum(gas_used)
    FROM txhub.transactions
    WHERE chain_id = chain AND block_time BETWEEN first AND last AND block_number = ANY (numbers)
    GROUP BY 1, 2, 3
    ON CONFLICT (chain_id, bucket, kind) DO UPDATE
    SET tx_count = minute.tx_count + EXCLUDED.tx_count,
        status_known_count = minute.status_known_count + EXCLUDED.status_known_count,
        failed_count = minute.failed_count + EXCLUDED.failed_count,
        value_sum = minute.value_sum + EXCLUDED.value_sum,
        value_max = greatest(minute.value_max, EXCLUDED.value_max),
        fee_sum = coalesce(minute.fee_sum + EXCLUDED.fee_sum, minute.fee_sum, EXCLUDED.fee_sum),
        gas_used = coalesce(minute.gas_used + EXCLUDED.gas_used, minute.gas_used, EXCLUDED.gas_used);

    INSERT INTO txhub_rollup.chain_1m
    SELECT chain_id, date_trunc('minute', bucket, 'UTC'), sum(tx_count), sum(status_known_count),
           sum(failed_count), sum(value_sum), max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1m
    WHERE chain_id = chain
      AND bucket >= date_trunc('minute', first, 'UTC')
      AND bucket < date_trunc('minute', last, 'UTC') + INTERVAL '1 minute'
    GROUP BY 1, 2
    ON CONFLICT (chain_id, bucket) DO UPDATE
    SET tx_count = EXCLUDED.tx_count,
        status_known_count = EXCLUDED.status_known_count,
        failed_count = EXCLUDED.failed_count,
        value_sum = EXCLUDED.value_sum,
        value_max = EXCLUDED.value_max,
        fee_sum = EXCLUDED.fee_sum,
        gas_used = EXCLUDED.gas_used;

    INSERT INTO txhub_rollup.tx_1h
    SELECT chain_id, kind, date_trunc('hour', bucket, 'UTC'), sum(tx_count), sum(status_known_count),
           sum(failed_count), sum(value_sum), max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1m
    WHERE chain_id = chain
      AND bucket >= date_trunc('hour', first, 'UTC')
      AND bucket < date_trunc('hour', last, 'UTC') + INTERVAL '1 hour'
    GROUP BY 1, 2, 3
    ON CONFLICT (chain_id, bucket, kind) DO UPDATE
    SET tx_count = EXCLUDED.tx_count,
        status_known_count = EXCLUDED.status_known_count,
        failed_count = EXCLUDED.failed_count,
        value_sum = EXCLUDED.value_sum,
        value_max = EXCLUDED.value_max,
        fee_sum = EXCLUDED.fee_sum,
        gas_used = EXCLUDED.gas_used;

    INSERT INTO txhub_rollup.tx_1d
    SELECT chain_id, kind, date_trunc('day', bucket, 'UTC'), sum(tx_count), sum(status_known_count),
           sum(failed_count), sum(value_sum), max(value_max), sum(fee_sum), sum(gas_used)
    FROM txhub_rollup.tx_1h
    WHERE chain_id = chain
      AND bucket >= date_trunc('day', first, 'UTC')
      AND bucket < date_trunc('day', last, 'UTC') + INTERVAL '1 day'
    GROUP BY 1, 2, 3
    ON CONFLICT (chain_id, bucket, kind) DO UPDATE
    SET tx_count = EXCLUDED.tx_count,
        status_known_count = EXCLUDED.status_known_count,
        failed_count = EXCLUDED.failed_count,
        value_sum = EXCLUDED.value_sum,
        value_max = EXCLUDED.value_max,
        fee_sum = EXCLUDED.fee_sum,
        gas_used = EXCLUDED.gas_used;

    INSERT INTO txhub_rollup.peaks_1h
    SELECT chain_id, date_trunc('hour', bucket, 'UTC'),
           max(ARRAY[tx_count, -extract(epoch FROM bucket - date_trunc('hour', bucket, 'UTC'))::bigint])
    FROM txhub_rollup.chain_1m
    WHERE chain_id = chain
      AND bucket >= date_trunc('hour', first, 'UTC')
      AND bucket < date_trunc('hour', last, 'UTC') + INTERVAL '1 hour'
    GROUP BY 1, 2
    ON CONFLICT (chain_id, bucket) DO UPDATE SET peak = EXCLUDED.peak;
END $$;
