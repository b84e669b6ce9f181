-- What both editions share: the words, the ledger, the outbox.

CREATE SCHEMA IF NOT EXISTS txhub;
CREATE SCHEMA txhub_rollup;
COMMENT ON SCHEMA txhub IS 'Blockchain transactions as time series. Read the views; times are UTC.';
COMMENT ON SCHEMA txhub_rollup IS 'Where rollups are stored. Read them through the views of schema txhub.';

CREATE TYPE txhub.tx_kind AS ENUM (
    'transfer', 'token_transfer', 'nft_transfer', 'contract_call', 'contract_creation', 'coinbase');

CREATE TABLE txhub.installation (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    edition text NOT NULL CHECK (edition IN ('timescale', 'plain')),
    installed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE txhub.installation IS 'Which edition this database is. Decided once, by the first migration.';

CREATE TABLE txhub.chains (
    chain_id int PRIMARY KEY,
    name text NOT NULL UNIQUE,
    family text NOT NULL CHECK (family IN ('evm', 'utxo')),
    symbol text NOT NULL,
    decimals int NOT NULL CHECK (decimals BETWEEN 0 AND 36),
    block_time_s float8 NOT NULL CHECK (block_time_s > 0),
    finality_depth int NOT NULL CHECK (finality_depth > 0),
    large_value numeric NOT NULL,
    demo boolean NOT NULL DEFAULT false,
    follow_from bigint
);
COMMENT ON TABLE txhub.chains IS 'The chains that were ever followed.';
COMMENT ON COLUMN txhub.chains.decimals IS 'A whole coin is 10^decimals base units.';
COMMENT ON COLUMN txhub.chains.large_value IS 'Whole coins: from here on a transaction is shown as large.';
COMMENT ON COLUMN txhub.chains.follow_from IS 'From this block on nothing may be missing; null: never followed.';
COMMENT ON COLUMN txhub.chains.demo IS 'True for the simulated network.';

CREATE TABLE txhub.blocks (
    chain_id int NOT NULL REFERENCES txhub.chains,
    number bigint NOT NULL CHECK (number >= 0),
    hash bytea NOT NULL,
    parent_hash bytea NOT NULL,
    time timestamptz NOT NULL,
    tx_count int NOT NULL,
    dropped_count int NOT NULL DEFAULT 0,
    gas_used bigint,
    gas_limit bigint,
    base_fee bigint,
    size int,
    committed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (chain_id, number)
);
CREATE INDEX blocks_time ON txhub.blocks (chain_id, time);
COMMENT ON TABLE txhub.blocks IS
    'The ledger: a block is here if and only if its transactions are in txhub.transactions.';
COMMENT ON COLUMN txhub.blocks.base_fee IS 'Base units for a unit of gas; null before London and where there is none.';
COMMENT ON COLUMN txhub.blocks.dropped_count IS 'Transactions of the block that a keep filter left out.';

CREATE TABLE txhub.stream_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    event text NOT NULL,
    chain_id int,
    data jsonb NOT NULL
);
CREATE INDEX stream_events_age ON txhub.stream_events (created_at);
COMMENT ON TABLE txhub.stream_events IS
    'The outbox: written in the transaction it tells of, ids in order of commit. Kept 7 days.';

CREATE TABLE txhub.cursors (
    reader text PRIMARY KEY,
    event_id bigint NOT NULL
);
COMMENT ON TABLE txhub.cursors IS 'How far each of our own readers of stream_events has come.';

CREATE TABLE txhub.event_log (
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    level text NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    component text NOT NULL,
    chain_id int,
    event text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX event_log_time ON txhub.event_log (time);
COMMENT ON TABLE txhub.event_log IS 'What operators have to know: refused blocks, lost nodes, repairs.';

-- Text and stored form. Exact: numeric division would round, multiplication by a power of ten does not.

CREATE FUNCTION txhub.addr(address text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN lower(left(address, 2)) = '0x' THEN decode(substr(address, 3), 'hex')
                ELSE convert_to(address, 'UTF8') END;
COMMENT ON FUNCTION txhub.addr IS 'The stored form of an address: addr(''0xdac1…'') or addr(''bc1q…'').';

CREATE FUNCTION txhub.hash(hash text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN decode(CASE WHEN lower(left(hash, 2)) = '0x' THEN substr(hash, 3) ELSE hash END, 'hex');
COMMENT ON FUNCTION txhub.hash IS 'The stored form of a transaction or block hash, with or without 0x.';

CREATE FUNCTION txhub.address_text(address bytea, family text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE family WHEN 'evm' THEN '0x' || encode(address, 'hex') ELSE convert_from(address, 'UTF8') END;

CREATE FUNCTION txhub.hash_text(hash bytea, family text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE family WHEN 'evm' THEN '0x' ELSE '' END || encode(hash, 'hex');

CREATE FUNCTION txhub.to_native(amount numeric, decimals int) RETURNS numeric
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN trim_scale(amount * ('1e-' || decimals)::numeric);
COMMENT ON FUNCTION txhub.to_native IS 'Base units as whole coins, exactly.';

CREATE FUNCTION txhub.ratio(numerator numeric, denominator numeric) RETURNS float8
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (round(numerator, 40) / nullif(denominator, 0))::float8;
COMMENT ON FUNCTION txhub.ratio IS
    'The float nearest to the quotient: forty decimals keep more digits than a float holds. Null over zero.';
