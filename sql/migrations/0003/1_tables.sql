-- Rollups of values, tokens and parties by hour: what both editions share.

CREATE FUNCTION txhub.value_bin(value numeric) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN value > 0 THEN floor(32 * log(value::float8))::smallint ELSE -1 END;
COMMENT ON FUNCTION txhub.value_bin IS
    'The bin of an amount of base units: 32 bins for each power of ten, so that bin b holds 10^(b/32) up to 10^((b+1)/32); -1 holds zero.';

CREATE FUNCTION txhub.bin_value(bin smallint) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN bin < 0 THEN 0 ELSE power(10::float8, (bin + 0.5) / 32) END;
COMMENT ON FUNCTION txhub.bin_value IS
    'The middle of a bin of txhub.value_bin, in base units: within 3.7 percent of every amount in it.';

-- The busiest of each closed hour, by count and by value, and a row with address null for all the others together.
CREATE TABLE txhub_rollup.top_senders_1h (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    address bytea,
    tx_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    count_bound bigint NOT NULL,
    value_bound numeric NOT NULL
);
CREATE UNIQUE INDEX top_senders_1h_key ON txhub_rollup.top_senders_1h (chain_id, bucket, address) NULLS NOT DISTINCT;
CREATE INDEX top_senders_1h_address ON txhub_rollup.top_senders_1h (address, bucket);

CREATE TABLE txhub_rollup.top_receivers_1h (LIKE txhub_rollup.top_senders_1h);
CREATE UNIQUE INDEX top_receivers_1h_key
    ON txhub_rollup.top_receivers_1h (chain_id, bucket, address) NULLS NOT DISTINCT;
CREATE INDEX top_receivers_1h_address ON txhub_rollup.top_receivers_1h (address, bucket);

CREATE TABLE txhub_rollup.top_flows_1h (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    from_address bytea,
    to_address bytea,
    tx_count bigint NOT NULL,
    value_sum numeric NOT NULL,
    value_max numeric NOT NULL,
    count_bound bigint NOT NULL,
    value_bound numeric NOT NULL
);
CREATE UNIQUE INDEX top_flows_1h_key
    ON txhub_rollup.top_flows_1h (chain_id, bucket, from_address, to_address) NULLS NOT DISTINCT;

CREATE TABLE txhub_rollup.active_1h (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    sketch bytea NOT NULL,
    PRIMARY KEY (chain_id, bucket)
);

-- Which hours the worker has closed, and which of them have to be done again because blocks came or went.
CREATE TABLE txhub_rollup.closed_hours (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    stale boolean NOT NULL,
    PRIMARY KEY (chain_id, bucket)
);
CREATE INDEX closed_hours_stale ON txhub_rollup.closed_hours (bucket) WHERE stale;
INSERT INTO txhub_rollup.closed_hours
SELECT DISTINCT chain_id, date_trunc('hour', time, 'UTC'), true FROM txhub.blocks;

CREATE TABLE txhub.policies (
    hypertable text NOT NULL CHECK (hypertable IN ('transactions', 'token_transfers', 'utxo_io')),
    policy text NOT NULL CHECK (policy IN ('chunk_interval', 'compress_after')),
    span interval NOT NULL CHECK (span > INTERVAL '0'),
    PRIMARY KEY (hypertable, policy)
);
COMMENT ON TABLE txhub.policies IS 'What `txhub policy set` decided for one table; it comes before the settings.';
