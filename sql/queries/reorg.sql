-- Blocks that a reorg replaces. asyncpg's parameters.

-- name: losers
-- The committed blocks above a number, in order; nobody else may touch them until the commit that follows.
SELECT number, hash, time, tx_count FROM txhub.blocks WHERE chain_id = $1 AND number > $2 ORDER BY number FOR UPDATE

-- name: record_reorg
INSERT INTO txhub.reorgs
    (chain_id, ancestor, depth, from_number, from_hash, to_number, to_hash, from_tx_count, to_tx_count)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id

-- name: keep_transactions
INSERT INTO txhub.orphan_transactions
SELECT t.*, $5::bigint
FROM txhub.transactions t
WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: delete_transactions
DELETE FROM txhub.transactions WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: keep_token_transfers
INSERT INTO txhub.orphan_token_transfers
SELECT t.*, $5::bigint
FROM txhub.token_transfers t
WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: delete_token_transfers
DELETE FROM txhub.token_transfers WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: keep_utxo_io
INSERT INTO txhub.orphan_utxo_io
SELECT t.*, $5::bigint
FROM txhub.utxo_io t
WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: delete_utxo_io
DELETE FROM txhub.utxo_io WHERE chain_id = $1 AND block_number > $2 AND block_time BETWEEN $3 AND $4

-- name: keep_blocks
INSERT INTO txhub.orphans SELECT b.*, $3::bigint FROM txhub.blocks b WHERE chain_id = $1 AND number > $2

-- name: delete_blocks
DELETE FROM txhub.blocks WHERE chain_id = $1 AND number > $2

-- name: recompute
SELECT txhub_rollup.recompute($1, $2, $3), txhub_rollup.recompute_hours($1, $2, $3)

-- name: unlinked
SELECT number
FROM (
    SELECT number, parent_hash,
           lag(number) OVER (ORDER BY number) AS before,
           lag(hash) OVER (ORDER BY number) AS hash_before
    FROM txhub.blocks
    WHERE chain_id = $1 AND number BETWEEN $2 AND $3
) AS held
WHERE before = number - 1 AND hash_before <> parent_hash
ORDER BY number DESC
