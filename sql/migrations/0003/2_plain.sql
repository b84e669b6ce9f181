-- The plain edition: tables that each commit keeps up to date.

CREATE TABLE txhub_rollup.value_hist_1h (
    chain_id int NOT NULL,
    kind txhub.tx_kind NOT NULL,
    bucket timestamptz NOT NULL,
    bin smallint NOT NULL,
    tx_count bigint NOT NULL,
    PRIMARY KEY (chain_id, bucket, kind, bin)
);
INSERT INTO txhub_rollup.value_hist_1h
SELECT chain_id, kind, date_trunc('hour', block_time, 'UTC'), txhub.value_bin(value), count(*)
FROM txhub.transactions
GROUP BY 1, 2, 3, 4;

CREATE TABLE txhub_rollup.token_1h (
    chain_id int NOT NULL,
    token_address bytea NOT NULL,
    bucket timestamptz NOT NULL,
    transfer_count bigint NOT NULL,
    amount_sum numeric NOT NULL,
    PRIMARY KEY (chain_id, bucket, token_address)
);
INSERT INTO txhub_rollup.token_1h
SELECT chain_id, token_address, date_trunc('hour', block_time, 'UTC'), count(*), sum(amount)
FROM txhub.token_transfers
GROUP BY 1, 2, 3;

-- What after_copy does for minutes: the blocks just copied are added. It runs after it, under the same lock.
CREATE FUNCTION txhub_rollup.add_hours(chain int, first timestamptz, last timestamptz, numbers bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO txhub_rollup.value_hist_1h AS hour
    SELECT chain_id, kind, date_trunc('hour', block_time, 'UTC'), txhub.value_bin(value), count(*)
    FROM txhub.transactions
    WHERE chain_id = chain AND block_time BETWEEN first AND last AND block_number = ANY (numbers)
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (chain_id, bucket, kind, bin) DO UPDATE SET tx_count = hour.tx_count + EXCLUDED.tx_count;

    INSERT INTO txhub_rollup.token_1h AS hour
    SELECT chain_id, token_address, date_trunc('hour', block_time, 'UTC'), count(*), sum(amount)
    FROM txhub.token_transfers
    WHERE chain_id = chain AND block_time BETWEEN first AND last AND block_number = ANY (numbers)
    GROUP BY 1, 2, 3
    ON CONFLICT (chain_id, bucket, token_address) DO UPDATE
    SET transfer_count = hour.transfer_count + EXCLUDED.transfer_count,
        amount_sum = hour.amount_sum + EXCLUDED.amount_sum;
END $$;

-- What recompute does for minutes, hours and days; it runs after it, under the same lock.
CREATE FUNCTION txhub_rollup.recompute_hours(chain int, first timestamptz, last timestamptz) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    hour timestamptz := date_trunc('hour', first, 'UTC');
    past_hour timestamptz := date_trunc('hour', last, 'UTC') + INTERVAL '1 hour';
BEGIN
    DELETE FROM txhub_rollup.value_hist_1h WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour;
    DELETE FROM txhub_rollup.token_1h WHERE chain_id = chain AND bucket >= hour AND bucket < past_hour;

    INSERT INTO txhub_rollup.value_hist_1h
    SELECT chain_id, kind, date_trunc('hour', block_time, 'UTC'), txhub.value_bin(value), count(*)
    FROM txhub.transactions
    WHERE chain_id = chain AND block_time >= hour AND block_time < past_hour
    GROUP BY 1, 2, 3, 4;

    INSERT INTO txhub_rollup.token_1h
    SELECT chain_id, token_address, date_trunc('hour', block_time, 'UTC'), count(*), sum(amount)
    FROM txhub.token_transfers
    WHERE chain_id = chain AND block_time >= hour AND block_time < past_hour
    GROUP BY 1, 2, 3;
END $$;
