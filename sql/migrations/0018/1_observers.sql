-- Where the nodes' peers are, by country.

CREATE TABLE txhub.observers (
    chain_id int NOT NULL REFERENCES txhub.chains,
    country text CHECK (country ~ '^[A-Z]{2}$'),
    peer_count int NOT NULL CHECK (peer_count > 0),
    seen_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (chain_id, country)
);
COMMENT ON TABLE txhub.observers IS
    'The peers that each chain''s node had when it was last asked, by country: they are told of transactions first. No address of a peer is kept.';
COMMENT ON COLUMN txhub.observers.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.observers.country IS 'ISO 3166, two letters, by the GeoIP file of the setting geoip; null: it does not know.';
COMMENT ON COLUMN txhub.observers.peer_count IS 'How many of the node''s peers are there.';
COMMENT ON COLUMN txhub.observers.seen_at IS 'When the node was asked, UTC.';
