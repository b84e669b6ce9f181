-- What the archive holds, and where the raw rows begin.

CREATE TABLE txhub.archive_manifest (
    chain_id int NOT NULL REFERENCES txhub.chains,
    table_name text NOT NULL CHECK (table_name IN ('transactions', 'token_transfers', 'utxo_io', 'blocks')),
    day date NOT NULL,
    path text,
    rows bigint NOT NULL,
    first_block bigint,
    last_block bigint,
    value_sum numeric NOT NULL,
    fee_sum numeric NOT NULL,
    wide boolean NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea,
    ledger bytea NOT NULL,
    exported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    verified_at timestamptz,
    dropped_at timestamptz,
    restored_at timestamptz,
    PRIMARY KEY (chain_id, day, table_name),
    CHECK (dropped_at IS NULL OR restored_at IS NOT NULL OR verified_at IS NOT NULL)
);
CREATE INDEX archive_manifest_day ON txhub.archive_manifest (day);
COMMENT ON TABLE txhub.archive_manifest IS
    'The partitions in the archive: a UTC day of one table of one chain each, and what was counted when it was exported.';
COMMENT ON COLUMN txhub.archive_manifest.path IS 'The file, below the archive''s address; null where the partition has no rows.';
COMMENT ON COLUMN txhub.archive_manifest.value_sum IS
    'Sum of value (transactions), amount (token_transfers, utxo_io) or tx_count (blocks), base units, exact.';
COMMENT ON COLUMN txhub.archive_manifest.fee_sum IS 'Sum of fee (transactions), base units, exact; 0 for the other tables.';
COMMENT ON COLUMN txhub.archive_manifest.wide IS
    'Whether a value, fee or amount has more than 38 digits: these columns are text in this file then.';
COMMENT ON COLUMN txhub.archive_manifest.ledger IS
    'SHA-256 of the hashes of the day''s blocks in order of number: the partition is stale when the ledger''s is another.';
COMMENT ON COLUMN txhub.archive_manifest.verified_at IS 'When the file was last read again and found equal to the database.';
COMMENT ON COLUMN txhub.archive_manifest.dropped_at IS 'When retention dropped the raw rows; null: it never did.';
COMMENT ON COLUMN txhub.archive_manifest.restored_at IS 'When dropped rows were brought back; null: they are gone, or never were.';

CREATE TABLE txhub.horizon (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    time timestamptz
);
INSERT INTO txhub.horizon DEFAULT VALUES;
COMMENT ON TABLE txhub.horizon IS
    'Raw rows before this time are gone, rollups and the ledger are not: nothing is written or refreshed there. Null: nothing is gone.';

-- Whoever writes keeps the horizon where it is until the end of the transaction. The second statement has a snapshot of
-- its own, so it sees what moved while the first one waited.
CREATE FUNCTION txhub_rollup.steady_horizon() RETURNS timestamptz
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('txhub horizon'));
    RETURN (SELECT time FROM txhub.horizon);
END $$;
