-- The busiest of whole days, made of closed hours: a question about weeks reads a twentieth of the rows.

CREATE TABLE txhub_rollup.top_senders_1d (LIKE txhub_rollup.top_senders_1h);
CREATE UNIQUE INDEX top_senders_1d_key ON txhub_rollup.top_senders_1d (chain_id, bucket, address) NULLS NOT DISTINCT;
CREATE TABLE txhub_rollup.top_receivers_1d (LIKE txhub_rollup.top_receivers_1h);
CREATE UNIQUE INDEX top_receivers_1d_key
    ON txhub_rollup.top_receivers_1d (chain_id, bucket, address) NULLS NOT DISTINCT;
CREATE TABLE txhub_rollup.top_flows_1d (LIKE txhub_rollup.top_flows_1h);
CREATE UNIQUE INDEX top_flows_1d_key
    ON txhub_rollup.top_flows_1d (chain_id, bucket, from_address, to_address) NULLS NOT DISTINCT;

-- Which days the worker has closed, and which of them have to be done again because one of their hours was.
CREATE TABLE txhub_rollup.closed_days (
    chain_id int NOT NULL,
    bucket timestamptz NOT NULL,
    stale boolean NOT NULL,
    PRIMARY KEY (chain_id, bucket)
);
CREATE INDEX closed_days_stale ON txhub_rollup.closed_days (bucket) WHERE stale;
INSERT INTO txhub_rollup.closed_days
SELECT DISTINCT chain_id, date_trunc('day', bucket, 'UTC'), true FROM txhub_rollup.closed_hours;

CREATE VIEW txhub.top_senders_1d AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_senders_1d t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_senders_1d IS
    'The same as top_senders_1h for whole days (UTC), made of their hours: sums count the hours where a sender is listed. count_bound and value_bound (base units) are the most that it may have beyond them; in the row without address, the most that one who is not listed may have.';

CREATE VIEW txhub.top_receivers_1d AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_receivers_1d t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_receivers_1d IS 'The same for recipients, see top_senders_1d.';

CREATE VIEW txhub.top_flows_1d AS
SELECT t.chain_id,
       c.name AS chain,
       t.bucket,
       t.from_address,
       t.to_address,
       t.tx_count,
       t.value_sum,
       t.value_max,
       t.count_bound,
       t.value_bound,
       c.symbol,
       c.decimals
FROM txhub_rollup.top_flows_1d t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.top_flows_1d IS 'The same for pairs of sender and recipient, see top_senders_1d.';

DO $$
DECLARE
    target record;
BEGIN
    FOR target IN
        SELECT v.attrelid::regclass AS view, v.attname, col_description(h.attrelid, h.attnum) AS meaning
        FROM pg_attribute v
        JOIN pg_attribute h
            ON h.attrelid = replace(v.attrelid::regclass::text, '_1d', '_1h')::regclass AND h.attname = v.attname
        WHERE v.attrelid IN ('txhub.top_senders_1d'::regclass, 'txhub.top_receivers_1d'::regclass,
                             'txhub.top_flows_1d'::regclass) AND v.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', target.view, target.attname, target.meaning);
    END LOOP;
END $$;
