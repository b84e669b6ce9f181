-- What addresses moved, for screening. asyncpg's parameters.

-- name: of
-- Every move of the addresses $2 of chain $1 within [$3, $4).
SELECT block_number, block_time, tx_index, direction, address, counterparty, token_address, amount
FROM txhub.address_moves
WHERE chain_id = $1 AND address = ANY ($2) AND block_time >= $3 AND block_time < $4

-- name: in_windows
-- Of chain $1, for each window (address $2, direction $3, within [$4, $5)) at most $8 of the address's moves of more than
-- nothing. All windows lie within [$6, $7), so that no other chunk is planned for.
SELECT w.n, m.*
FROM unnest($2::bytea[], $3::text[], $4::timestamptz[], $5::timestamptz[])
    WITH ORDINALITY AS w (address, direction, start, stop, n)
CROSS JOIN LATERAL (
    SELECT block_number, block_time, tx_index, direction, address, counterparty, token_address, amount
    FROM txhub.address_moves
    WHERE chain_id = $1 AND address = w.address AND direction = w.direction
      AND block_time >= w.start AND block_time < w.stop AND block_time >= $6 AND block_time < $7
      AND amount > 0
    LIMIT $8
) AS m

-- name: moving
-- Which of the addresses $2 of chain $1 moved anything within [$3, $4).
SELECT DISTINCT address FROM txhub.address_moves
WHERE chain_id = $1 AND address = ANY ($2) AND block_time >= $3 AND block_time < $4

-- name: transactions
-- Hash and outcome of transactions by their places ($2, $3, $4), which lie within [$5, $6].
SELECT t.block_number, t.tx_index, t.hash, t.success
FROM unnest($2::timestamptz[], $3::bigint[], $4::int[]) AS p (block_time, block_number, tx_index)
JOIN txhub.transactions t USING (block_time, block_number, tx_index)
WHERE t.chain_id = $1 AND t.block_time >= $5 AND t.block_time <= $6

-- name: sides
-- What the same transactions of a Bitcoin-like chain spend and make.
SELECT u.block_number, u.tx_index, u.side::text, u.address, u.amount
FROM unnest($2::timestamptz[], $3::bigint[], $4::int[]) AS p (block_time, block_number, tx_index)
JOIN txhub.utxo_io u USING (block_time, block_number, tx_index)
WHERE u.chain_id = $1 AND u.block_time >= $5 AND u.block_time <= $6 AND u.address IS NOT NULL

-- name: dropped
-- The archive's files of chain $1 with rows within [$2, $3) that the database has no more.
SELECT m.table_name, m.path, m.wide
FROM txhub.archive_manifest m
WHERE m.chain_id = $1 AND m.table_name <> 'blocks' AND m.path IS NOT NULL
  AND m.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND m.day::timestamp AT TIME ZONE 'UTC' < $3
  AND m.dropped_at IS NOT NULL AND m.restored_at IS NULL
ORDER BY m.table_name, m.day
