-- The contract: what readers see, one text for both editions.

CREATE INDEX transactions_block_time ON txhub.transactions (block_time DESC);
CREATE INDEX transactions_hash ON txhub.transactions (hash);
CREATE INDEX transactions_from ON txhub.transactions (from_address, block_time);
CREATE INDEX transactions_to ON txhub.transactions (to_address, block_time);

COMMENT ON TABLE txhub.transactions IS
    'Every transaction of every committed block. Read transactions_view unless you need raw bytes or base units.';
COMMENT ON COLUMN txhub.transactions.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.transactions.block_number IS 'Number of its block, see txhub.blocks.';
COMMENT ON COLUMN txhub.transactions.block_time IS 'Time of its block, UTC.';
COMMENT ON COLUMN txhub.transactions.tx_index IS 'Position in its block, from 0.';
COMMENT ON COLUMN txhub.transactions.hash IS '32 bytes; txhub.hash(''0x…'') makes them from text.';
COMMENT ON COLUMN txhub.transactions.from_address IS 'Sender, raw; txhub.addr(''0x…'') makes it from text. Bitcoin: the single or largest-valued input.';
COMMENT ON COLUMN txhub.transactions.to_address IS 'Recipient, or null for a contract creation. Bitcoin: the single or largest-valued output.';
COMMENT ON COLUMN txhub.transactions.value IS 'Coins moved, base units, exact.';
COMMENT ON COLUMN txhub.transactions.fee IS 'Fee paid, base units, exact; null where the node gave no receipts.';
COMMENT ON COLUMN txhub.transactions.gas_used IS 'Null where the node gave no receipts.';
COMMENT ON COLUMN txhub.transactions.gas_price IS 'Base units for a unit of gas; effective where known.';
COMMENT ON COLUMN txhub.transactions.tx_type IS 'The envelope''s type (EIP-2718), 0 for legacy ones.';
COMMENT ON COLUMN txhub.transactions.kind IS 'What it does, see txhub.tx_kind.';
COMMENT ON COLUMN txhub.transactions.method_id IS 'First four bytes of the input of a call.';
COMMENT ON COLUMN txhub.transactions.input_size IS 'Bytes of input.';
COMMENT ON COLUMN txhub.transactions.nonce IS 'The sender''s count of transactions before this one.';
COMMENT ON COLUMN txhub.transactions.success IS 'Whether it succeeded; null: not known.';

CREATE VIEW txhub.transactions_view AS
SELECT t.chain_id,
       c.name AS chain,
       t.block_number,
       t.block_time,
       t.tx_index,
       txhub.hash_text(t.hash, c.family) AS hash,
       txhub.address_text(t.from_address, c.family) AS from_address,
       txhub.address_text(t.to_address, c.family) AS to_address,
       t.kind,
       txhub.to_native(t.value, c.decimals) AS value,
       t.value AS value_base,
       txhub.to_native(t.fee, c.decimals) AS fee,
       c.symbol,
       t.gas_used,
       t.gas_price,
       t.tx_type,
       '0x' || encode(t.method_id, 'hex') AS method_id,
       t.input_size,
       t.nonce,
       t.success
FROM txhub.transactions t
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.transactions_view IS
    'Transactions as people read them: hex text, whole coins of symbol (value, fee), exact base units (value_base).';

CREATE VIEW txhub.tx_1m AS
SELECT r.chain_id,
       c.name AS chain,
       r.kind,
       r.bucket,
       r.tx_count,
       r.status_known_count,
       r.failed_count,
       r.value_sum,
       r.value_max,
       r.fee_sum,
       r.gas_used,
       c.symbol,
       c.decimals
FROM txhub_rollup.tx_1m r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.tx_1m IS 'Transactions by chain, kind and minute. Sums and greatest value in base units; bucket is the start of the minute, UTC.';

CREATE VIEW txhub.tx_1h AS
SELECT r.chain_id,
       c.name AS chain,
       r.kind,
       r.bucket,
       r.tx_count,
       r.status_known_count,
       r.failed_count,
       r.value_sum,
       r.value_max,
       r.fee_sum,
       r.gas_used,
       c.symbol,
       c.decimals
FROM txhub_rollup.tx_1h r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.tx_1h IS 'Transactions by chain, kind and hour, made from minutes.';

CREATE VIEW txhub.tx_1d AS
SELECT r.chain_id,
       c.name AS chain,
       r.kind,
       r.bucket,
       r.tx_count,
       r.status_known_count,
       r.failed_count,
       r.value_sum,
       r.value_max,
       r.fee_sum,
       r.gas_used,
       c.symbol,
       c.decimals
FROM txhub_rollup.tx_1d r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.tx_1d IS 'Transactions by chain, kind and day (UTC), made from hours.';

CREATE VIEW txhub.chain_1m AS
SELECT r.chain_id,
       c.name AS chain,
       r.bucket,
       r.tx_count,
       r.status_known_count,
       r.failed_count,
       r.value_sum,
       r.value_max,
       r.fee_sum,
       r.gas_used,
       c.symbol,
       c.decimals
FROM txhub_rollup.chain_1m r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.chain_1m IS 'Transactions by chain and minute, all kinds together.';

CREATE VIEW txhub.peaks_1h AS
SELECT r.chain_id,
       c.name AS chain,
       r.bucket,
       r.bucket - make_interval(secs => r.peak[2]) AS minute,
       r.peak[1] AS tx_count
FROM txhub_rollup.peaks_1h r
JOIN txhub.chains c USING (chain_id);
COMMENT ON VIEW txhub.peaks_1h IS
    'The busiest minute of each hour (the earliest of equals) and its transactions: its rate a minute.';
