-- What finds one thing among all: explorers, indexes, and what a move cost.

ALTER TABLE txhub.chains ADD COLUMN explorer text;
COMMENT ON COLUMN txhub.chains.explorer IS 'Address of a public block explorer; null: there is none.';

-- Hash indexes hold four bytes of a key: a third of the size of b-trees over random hashes.
CREATE INDEX blocks_hash ON txhub.blocks USING hash (hash);
CREATE INDEX orphans_hash ON txhub.orphans USING hash (hash);
CREATE INDEX labels_words ON txhub.labels USING gin (to_tsvector('simple', name));
CREATE INDEX tokens_symbol ON txhub.tokens (lower(symbol) text_pattern_ops);

CREATE OR REPLACE VIEW txhub.address_moves AS
SELECT t.chain_id, t.block_number, t.block_time, t.tx_index, 'transaction' AS source, 'out' AS direction,
       t.from_address AS address, t.to_address AS counterparty, NULL::bytea AS token_address,
       NULL::numeric AS token_id, t.value AS amount, t.fee, t.success
FROM txhub.transactions t
WHERE t.from_address IS NOT NULL AND t.chain_id IN (SELECT chain_id FROM txhub.chains WHERE family = 'evm')
UNION ALL
SELECT t.chain_id, t.block_number, t.block_time, t.tx_index, 'transaction', 'in',
       t.to_address, t.from_address, NULL, NULL, t.value, NULL, t.success
FROM txhub.transactions t
WHERE t.to_address IS NOT NULL AND t.chain_id IN (SELECT chain_id FROM txhub.chains WHERE family = 'evm')
UNION ALL
SELECT k.chain_id, k.block_number, k.block_time, k.tx_index, 'token_transfer', 'out',
       k.from_address, k.to_address, k.token_address, k.token_id, k.amount, NULL, true
FROM txhub.token_transfers k
UNION ALL
SELECT k.chain_id, k.block_number, k.block_time, k.tx_index, 'token_transfer', 'in',
       k.to_address, k.from_address, k.token_address, k.token_id, k.amount, NULL, true
FROM txhub.token_transfers k
UNION ALL
SELECT u.chain_id, u.block_number, u.block_time, u.tx_index, 'utxo_io',
       CASE u.side WHEN 'in' THEN 'out' ELSE 'in' END,
       u.address, NULL, NULL, NULL, u.amount, NULL, true
FROM txhub.utxo_io u
WHERE u.address IS NOT NULL;
COMMENT ON COLUMN txhub.address_moves.fee IS
    'What the address paid for the transaction, base units of the coin; null where it paid none, or that is not known.';
COMMENT ON COLUMN txhub.address_moves.success IS
    'Whether the transaction succeeded: the coins of one that failed did not move; null: not known.';
