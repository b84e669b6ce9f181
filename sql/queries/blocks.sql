-- One block, or the block of one transaction. ADBC's parameters.

-- name: by_number
SELECT b.number, txhub.hash_text(b.hash, c.family) AS hash, txhub.hash_text(b.parent_hash, c.family) AS parent_hash,
       b.time, b.tx_count, b.dropped_count, b.gas_used, b.gas_limit, b.base_fee, b.size
FROM txhub.blocks b
JOIN txhub.chains c USING (chain_id)
WHERE b.chain_id = $1 AND b.number = $2

-- name: by_hash
SELECT b.number, txhub.hash_text(b.hash, c.family) AS hash, txhub.hash_text(b.parent_hash, c.family) AS parent_hash,
       b.time, b.tx_count, b.dropped_count, b.gas_used, b.gas_limit, b.base_fee, b.size
FROM txhub.blocks b
JOIN txhub.chains c USING (chain_id)
WHERE b.chain_id = $1 AND b.hash = $2

-- name: orphan_by_hash
SELECT b.number, txhub.hash_text(b.hash, c.family) AS hash, txhub.hash_text(b.parent_hash, c.family) AS parent_hash,
       b.time, b.tx_count, b.dropped_count, b.gas_used, b.gas_limit, b.base_fee, b.size, b.reorg_id
FROM txhub.orphans b
JOIN txhub.chains c USING (chain_id)
WHERE b.chain_id = $1 AND b.hash = $2
ORDER BY b.reorg_id DESC
LIMIT 1

-- name: orphan_of_reorg
SELECT b.number, txhub.hash_text(b.hash, c.family) AS hash, txhub.hash_text(b.parent_hash, c.family) AS parent_hash,
       b.time, b.tx_count, b.dropped_count, b.gas_used, b.gas_limit, b.base_fee, b.size
FROM txhub.orphans b
JOIN txhub.chains c USING (chain_id)
WHERE b.chain_id = $1 AND b.number = $2 AND b.reorg_id = $3

-- name: neighbours
SELECT (SELECT number FROM txhub.blocks WHERE chain_id = $1 AND number < $2 ORDER BY number DESC LIMIT 1) AS previous,
       (SELECT number FROM txhub.blocks WHERE chain_id = $1 AND number > $2 ORDER BY number LIMIT 1) AS next

-- name: orphaned
-- Where a transaction stood in blocks that reorgs replaced, the newest reorg first.
SELECT reorg_id, block_number, tx_index, block_time
FROM txhub.orphan_transactions
WHERE chain_id = $1 AND hash = $2
ORDER BY reorg_id DESC

-- name: transactions_of
-- What the rows of a block add up to, by kind; base units.
SELECT kind::text AS kind, count(*) AS tx_count, count(success) AS known_count,
       count(*) FILTER (WHERE success = false) AS failed_count, sum(value)::text AS value, max(value)::text AS value_max,
       sum(fee)::text AS fees
FROM txhub.transactions
WHERE chain_id = $1 AND block_time = $2 AND block_number = $3
GROUP BY txhub.transactions.kind
ORDER BY txhub.transactions.kind

-- name: transfers_of
SELECT count(*) AS transfers FROM txhub.token_transfers WHERE chain_id = $1 AND block_time = $2 AND block_number = $3

-- name: orphan_transactions_of
SELECT kind::text AS kind, count(*) AS tx_count, count(success) AS known_count,
       count(*) FILTER (WHERE success = false) AS failed_count, sum(value)::text AS value, max(value)::text AS value_max,
       sum(fee)::text AS fees
FROM txhub.orphan_transactions
WHERE reorg_id = $1 AND block_number = $2
GROUP BY txhub.orphan_transactions.kind
ORDER BY txhub.orphan_transactions.kind

-- name: orphan_transfers_of
SELECT count(*) AS transfers FROM txhub.orphan_token_transfers WHERE reorg_id = $1 AND block_number = $2
