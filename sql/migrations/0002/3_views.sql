-- The contract: what readers see of it, one text for both editions.

CREATE INDEX token_transfers_block_time ON txhub.token_transfers (block_time DESC);
CREATE INDEX token_transfers_token ON txhub.token_transfers (token_address, block_time);
CREATE INDEX token_transfers_from ON txhub.token_transfers (from_address, block_time);
CREATE INDEX token_transfers_to ON txhub.token_transfers (to_address, block_time);
CREATE INDEX utxo_io_block_time ON txhub.utxo_io (block_time DESC);
CREATE INDEX utxo_io_address ON txhub.utxo_io (address, block_time);

COMMENT ON TABLE txhub.token_transfers IS
    'Transfers of tokens, as contracts'' logs tell of them; empty where the node gives no receipts.';
COMMENT ON COLUMN txhub.token_transfers.tx_index IS 'Position of the transaction in its block, see txhub.transactions.';
COMMENT ON COLUMN txhub.token_transfers.log_index IS 'Position of the log in its block; the transfers of one ERC-1155 batch share it.';
COMMENT ON COLUMN txhub.token_transfers.token_address IS 'The contract, raw; txhub.addr(''0x…'') makes it from text.';
COMMENT ON COLUMN txhub.token_transfers.token_id IS 'Which token of an ERC-721 or ERC-1155; null for an ERC-20.';
COMMENT ON COLUMN txhub.token_transfers.amount IS 'Base units of the token, exact: see decimals of txhub.tokens. 1 for an ERC-721.';
COMMENT ON TABLE txhub.utxo_io IS 'What each transaction of a Bitcoin-like chain spends (side in) and makes (side out).';
COMMENT ON COLUMN txhub.utxo_io.n IS 'Position on its side, from 0.';
COMMENT ON COLUMN txhub.utxo_io.address IS 'ASCII text of the address, raw; null where the script has none.';
COMMENT ON COLUMN txhub.utxo_io.amount IS 'Base units (satoshi), exact.';

CREATE TABLE txhub.orphan_token_transfers (LIKE txhub.token_transfers, reorg_id bigint NOT NULL REFERENCES txhub.reorgs);
CREATE INDEX orphan_token_transfers_reorg ON txhub.orphan_token_transfers (reorg_id);
COMMENT ON TABLE txhub.orphan_token_transfers IS 'The token transfers of orphans.';

CREATE TABLE txhub.orphan_utxo_io (LIKE txhub.utxo_io, reorg_id bigint NOT NULL REFERENCES txhub.reorgs);
CREATE INDEX orphan_utxo_io_reorg ON txhub.orphan_utxo_io (reorg_id);
COMMENT ON TABLE txhub.orphan_utxo_io IS 'What the transactions of orphans spent and made.';

-- A branch for each way, so that a condition on address reaches an index of each table.
CREATE VIEW txhub.address_moves AS
SELECT t.chain_id, t.block_number, t.block_time, t.tx_index, 'transaction' AS source, 'out' AS direction,
       t.from_address AS address, t.to_address AS counterparty, NULL::bytea AS token_address,
       NULL::numeric AS token_id, t.value AS amount
FROM txhub.transactions t
WHERE t.from_address IS NOT NULL AND t.chain_id IN (SELECT chain_id FROM txhub.chains WHERE family = 'evm')
UNION ALL
SELECT t.chain_id, t.block_number, t.block_time, t.tx_index, 'transaction', 'in',
       t.to_address, t.from_address, NULL, NULL, t.value
FROM txhub.transactions t
WHERE t.to_address IS NOT NULL AND t.chain_id IN (SELECT chain_id FROM txhub.chains WHERE family = 'evm')
UNION ALL
SELECT k.chain_id, k.block_number, k.block_time, k.tx_index, 'token_transfer', 'out',
       k.from_address, k.to_address, k.token_address, k.token_id, k.amount
FROM txhub.token_transfers k
UNION ALL
SELECT k.chain_id, k.block_number, k.block_time, k.tx_index, 'token_transfer', 'in',
       k.to_address, k.from_address, k.token_address, k.token_id, k.amount
FROM txhub.token_transfers k
UNION ALL
SELECT u.chain_id, u.block_number, u.block_time, u.tx_index, 'utxo_io',
       CASE u.side WHEN 'in' THEN 'out' ELSE 'in' END,
       u.address, NULL, NULL, NULL, u.amount
FROM txhub.utxo_io u
WHERE u.address IS NOT NULL;
COMMENT ON VIEW txhub.address_moves IS
    'Every way in which value touched an address, raw: direction out is from the address, in is to it. Amounts in base units of the coin, or of token_address where that is not null.';
