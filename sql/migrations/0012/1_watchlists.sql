-- Watched lists, and the transactions that have to do with what is on them.

ALTER TABLE txhub.labels ADD COLUMN watched boolean NOT NULL DEFAULT false;
CREATE INDEX labels_watched ON txhub.labels (address) WHERE watched;
COMMENT ON COLUMN txhub.labels.watched IS 'Whether the list is a watchlist: every move of its addresses is screened.';
COMMENT ON COLUMN txhub.labels.list_version IS 'Which version of that list; by hand: of a list whose entries people add and end one by one.';

CREATE TABLE txhub.screenings (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    list_version text NOT NULL,
    entered bytea[] NOT NULL,
    ended int NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    reached timestamptz,
    finished_at timestamptz
);
CREATE INDEX screenings_open ON txhub.screenings (id) WHERE finished_at IS NULL;
CREATE INDEX screenings_list ON txhub.screenings (source, list_version);
COMMENT ON TABLE txhub.screenings IS 'Each change of a watchlist, and how far history was searched for what it is new to.';
COMMENT ON COLUMN txhub.screenings.id IS 'In order of time.';
COMMENT ON COLUMN txhub.screenings.source IS 'The list that changed, see txhub.labels.';
COMMENT ON COLUMN txhub.screenings.list_version IS 'Its version from then on.';
COMMENT ON COLUMN txhub.screenings.entered IS 'Addresses that were not watched before, raw.';
COMMENT ON COLUMN txhub.screenings.ended IS 'How many addresses were watched until then.';
COMMENT ON COLUMN txhub.screenings.created_at IS 'When the list changed here, UTC.';
COMMENT ON COLUMN txhub.screenings.reached IS 'Blocks from this time on were searched, the newest first, UTC; null: none yet.';
COMMENT ON COLUMN txhub.screenings.finished_at IS 'When all of history was searched, UTC; null: it goes on.';

-- Facts of the chain: what is made of them as lists change is in txhub.exposures_view.
CREATE TABLE txhub.exposures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id int NOT NULL REFERENCES txhub.chains,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    hash bytea NOT NULL,
    address bytea NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    token_address bytea,
    via bytea,
    link_hash bytea,
    link_time timestamptz,
    parties bytea[] NOT NULL,
    amount numeric NOT NULL,
    failed boolean NOT NULL,
    screening_id int,
    found_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((via IS NULL) = (link_hash IS NULL) AND (via IS NULL) = (link_time IS NULL))
);
CREATE UNIQUE INDEX exposures_key
    ON txhub.exposures (chain_id, block_number, tx_index, address, direction, token_address, via) NULLS NOT DISTINCT;
CREATE INDEX exposures_time ON txhub.exposures (block_time);
CREATE INDEX exposures_address ON txhub.exposures (address, block_time);
CREATE INDEX exposures_screening ON txhub.exposures (screening_id) WHERE screening_id IS NOT NULL;
COMMENT ON TABLE txhub.exposures IS
    'Transactions of addresses that are or were watched, and of those who dealt with such an address shortly before or after. Read exposures_view, which says what lists make of them.';
COMMENT ON COLUMN txhub.exposures.id IS 'Its number.';
COMMENT ON COLUMN txhub.exposures.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.exposures.block_number IS 'Number of its block, see txhub.blocks.';
COMMENT ON COLUMN txhub.exposures.block_time IS 'Time of its block, UTC.';
COMMENT ON COLUMN txhub.exposures.tx_index IS 'Position of the transaction in its block, from 0.';
COMMENT ON COLUMN txhub.exposures.hash IS 'The transaction, raw.';
COMMENT ON COLUMN txhub.exposures.address IS 'The watched address, raw; txhub.addr(''0x…'') makes it from text.';
COMMENT ON COLUMN txhub.exposures.direction IS 'in: value went to the watched address; out: it came from it.';
COMMENT ON COLUMN txhub.exposures.token_address IS 'The token''s contract, raw; null: the chain''s own coin.';
COMMENT ON COLUMN txhub.exposures.via IS 'The address between the watched one and the parties, raw; null: they dealt with it directly.';
COMMENT ON COLUMN txhub.exposures.link_hash IS 'The transaction between via and the watched address, raw; null where via is.';
COMMENT ON COLUMN txhub.exposures.link_time IS 'Time of the block of that transaction, UTC; null where via is.';
COMMENT ON COLUMN txhub.exposures.parties IS 'Who is exposed, raw: the other side of the transaction; empty where that is nobody, or more than 100.';
COMMENT ON COLUMN txhub.exposures.amount IS 'What the watched address, or via, moved in the transaction: base units of the coin or token, exact; change that came back is taken off.';
COMMENT ON COLUMN txhub.exposures.failed IS 'Whether the transaction failed: nothing was moved then.';
COMMENT ON COLUMN txhub.exposures.screening_id IS 'The search of history that found it, see txhub.screenings; null: it was found as it was committed.';
COMMENT ON COLUMN txhub.exposures.found_at IS 'When it was found, UTC.';
