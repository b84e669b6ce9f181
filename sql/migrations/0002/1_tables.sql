-- What ingest that misses nothing writes beside the ledger: reorgs, streams, and what people know of addresses.

CREATE TABLE txhub.reorgs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id int NOT NULL REFERENCES txhub.chains,
    detected_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ancestor bigint NOT NULL,
    depth int NOT NULL CHECK (depth > 0),
    from_number bigint NOT NULL,
    from_hash bytea NOT NULL,
    from_tx_count bigint NOT NULL,
    to_number bigint NOT NULL,
    to_hash bytea NOT NULL,
    to_tx_count bigint NOT NULL
);
CREATE INDEX reorgs_chain ON txhub.reorgs (chain_id, detected_at);
COMMENT ON TABLE txhub.reorgs IS 'Every time a chain replaced blocks that were committed already.';
COMMENT ON COLUMN txhub.reorgs.ancestor IS 'The last block that both branches share.';
COMMENT ON COLUMN txhub.reorgs.depth IS 'How many committed blocks were replaced.';
COMMENT ON COLUMN txhub.reorgs.from_number IS 'The newest block of the branch that lost, and its hash and transactions.';
COMMENT ON COLUMN txhub.reorgs.to_number IS 'The newest block of the branch that took its place at once.';

CREATE TABLE txhub.orphans (LIKE txhub.blocks, reorg_id bigint NOT NULL REFERENCES txhub.reorgs);
CREATE INDEX orphans_number ON txhub.orphans (chain_id, number);
CREATE INDEX orphans_reorg ON txhub.orphans (reorg_id);
COMMENT ON TABLE txhub.orphans IS 'Blocks that a reorg replaced, as they stood in the ledger.';

CREATE TABLE txhub.orphan_transactions (LIKE txhub.transactions, reorg_id bigint NOT NULL REFERENCES txhub.reorgs);
CREATE INDEX orphan_transactions_hash ON txhub.orphan_transactions (hash);
CREATE INDEX orphan_transactions_reorg ON txhub.orphan_transactions (reorg_id);
COMMENT ON TABLE txhub.orphan_transactions IS 'The transactions of orphans; most of them are in a later block as well.';

CREATE TABLE txhub.streams (
    chain_id int PRIMARY KEY REFERENCES txhub.chains,
    state text NOT NULL CHECK (state IN (
        'following', 'catching_up', 'waiting', 'listener_died', 'node_stuck', 'chain_quiet', 'halted')),
    reason text NOT NULL,
    endpoint text,
    head_number bigint,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE txhub.streams IS 'What the follower of each chain says of it.';
COMMENT ON COLUMN txhub.streams.state IS
    'following; catching_up: more blocks are missing than a reorg may replace; waiting: for a node, the database or its turn; listener_died, node_stuck, chain_quiet: the watchdog''s verdicts; halted: a person has to look.';
COMMENT ON COLUMN txhub.streams.endpoint IS 'The node that announces blocks, without keys.';
COMMENT ON COLUMN txhub.streams.head_number IS 'The newest block that a node told of.';
COMMENT ON COLUMN txhub.streams.changed_at IS 'Since when it is in this state.';

CREATE TABLE txhub.tokens (
    chain_id int NOT NULL REFERENCES txhub.chains,
    address bytea NOT NULL,
    symbol text,
    decimals int CHECK (decimals BETWEEN 0 AND 255),
    source text NOT NULL,
    PRIMARY KEY (chain_id, address)
);
COMMENT ON TABLE txhub.tokens IS 'What token contracts say of themselves. Null: they do not say.';

CREATE TABLE txhub.prices (
    asset text NOT NULL,
    time timestamptz NOT NULL,
    usd numeric NOT NULL CHECK (usd > 0),
    source text NOT NULL,
    PRIMARY KEY (asset, time)
);
COMMENT ON TABLE txhub.prices IS 'What an asset was worth: a coin''s symbol, or chain/0xaddress for a token.';
COMMENT ON COLUMN txhub.prices.usd IS 'US dollars for a whole coin.';

CREATE FUNCTION txhub.price(of_asset text, at timestamptz, max_age interval) RETURNS numeric
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (SELECT usd FROM txhub.prices WHERE asset = of_asset AND time <= at AND time > at - max_age
            ORDER BY time DESC LIMIT 1);
COMMENT ON FUNCTION txhub.price IS
    'US dollars for a whole coin at a moment, by the last price not older than max_age; null where there is none.';

CREATE TABLE txhub.labels (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id int REFERENCES txhub.chains,
    address bytea NOT NULL,
    name text NOT NULL,
    category text NOT NULL,
    country text CHECK (country ~ '^[A-Z]{2}$'),
    source text NOT NULL,
    list_version text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz CHECK (valid_to > valid_from)
);
CREATE INDEX labels_address ON txhub.labels (address);
CREATE INDEX labels_source ON txhub.labels (source, list_version);
COMMENT ON TABLE txhub.labels IS 'Who is known to stand behind an address, by versions of lists.';
COMMENT ON COLUMN txhub.labels.chain_id IS 'Null: on every chain.';
COMMENT ON COLUMN txhub.labels.country IS 'ISO 3166, two letters.';
COMMENT ON COLUMN txhub.labels.valid_to IS 'When the next version of the list took its place; null: in force.';

ALTER TABLE txhub.event_log ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
