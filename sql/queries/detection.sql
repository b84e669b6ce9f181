-- A chain's rows as detection looks at them: of blocks with times within [$2, $3), in order. ADBC's parameters.

-- name: transfers_evm
-- The coin, where it went from somebody to somebody else; what failed moved nothing.
SELECT block_time AS time, block_number AS number, tx_index AS index, -1 AS n, hash, kind::text AS kind,
       NULL::bytea AS token, from_address AS sender, to_address AS receiver, value AS amount
FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
  AND value > 0 AND success IS DISTINCT FROM false AND to_address IS NOT NULL AND from_address <> to_address
ORDER BY block_time, block_number, tx_index

-- name: transfers_utxo
-- Every output but those back to a spender; the sender is who spent most.
SELECT o.block_time AS time, o.block_number AS number, o.tx_index AS index, o.n, t.hash, t.kind::text AS kind,
       NULL::bytea AS token, t.from_address AS sender, o.address AS receiver, o.amount
FROM txhub.utxo_io o
JOIN txhub.transactions t USING (chain_id, block_time, block_number, tx_index)
WHERE o.chain_id = $1 AND o.block_time >= $2 AND o.block_time < $3
  AND t.block_time >= $2 AND t.block_time < $3
  AND o.side = 'out' AND o.amount > 0 AND t.kind <> 'coinbase'
  AND NOT EXISTS (
      SELECT FROM txhub.utxo_io i
      WHERE i.chain_id = $1 AND i.block_time = o.block_time AND i.block_number = o.block_number
        AND i.tx_index = o.tx_index AND i.side = 'in' AND i.script = o.script)
ORDER BY o.block_time, o.block_number, o.tx_index, o.n

-- name: token_transfers
SELECT k.block_time AS time, k.block_number AS number, k.tx_index AS index, k.log_index AS n, t.hash,
       t.kind::text AS kind, k.token_address AS token, k.from_address AS sender, k.to_address AS receiver, k.amount
FROM txhub.token_transfers k
JOIN txhub.transactions t USING (chain_id, block_time, block_number, tx_index)
WHERE k.chain_id = $1 AND k.block_time >= $2 AND k.block_time < $3
  AND t.block_time >= $2 AND t.block_time < $3
  AND k.amount > 0 AND k.from_address <> k.to_address
ORDER BY k.block_time, k.block_number, k.tx_index, k.log_index

-- name: outcomes
SELECT block_time AS time, block_number AS number, 0 AS index, 0 AS n, count(*) AS known,
       count(*) FILTER (WHERE success = false) AS failed
FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3 AND kind <> 'transfer' AND success IS NOT NULL
GROUP BY block_time, block_number
ORDER BY block_time, block_number

-- name: creations
-- Transactions that made contracts, whose addresses follow from sender and nonce.
SELECT block_time AS time, from_address AS sender, nonce
FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
  AND kind = 'contract_creation' AND success IS DISTINCT FROM false AND nonce IS NOT NULL
ORDER BY block_time, block_number, tx_index

-- name: calls
-- What was sent to some contracts.
SELECT block_time AS time, block_number AS number, tx_index AS index, -1 AS n, hash, kind::text AS kind,
       NULL::bytea AS token, from_address AS sender, to_address AS receiver, value AS amount
FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3 AND to_address = ANY ($4)
ORDER BY block_time, block_number, tx_index

-- name: wakings_evm
-- Large transfers, and when their senders were seen before, as senders or receivers.
SELECT t.block_time AS time, t.block_number AS number, t.tx_index AS index, -1 AS n, t.hash, t.kind::text AS kind,
       NULL::bytea AS token, t.from_address AS sender, t.to_address AS receiver, t.value AS amount,
       greatest(
           (SELECT b.block_time FROM txhub.transactions b
            WHERE b.from_address = t.from_address AND b.chain_id = $1 AND b.block_time < t.block_time
            ORDER BY b.block_time DESC LIMIT 1),
           (SELECT b.block_time FROM txhub.transactions b
            WHERE b.to_address = t.from_address AND b.chain_id = $1 AND b.block_time < t.block_time
            ORDER BY b.block_time DESC LIMIT 1)) AS seen
FROM txhub.transactions t
WHERE t.chain_id = $1 AND t.block_time >= $2 AND t.block_time < $3 AND t.value >= $4::numeric
  AND t.success IS DISTINCT FROM false AND t.to_address IS NOT NULL AND t.from_address <> t.to_address
ORDER BY t.block_time, t.block_number, t.tx_index

-- name: wakings_utxo
SELECT t.block_time AS time, t.block_number AS number, t.tx_index AS index, -1 AS n, t.hash, t.kind::text AS kind,
       NULL::bytea AS token, t.from_address AS sender, t.to_address AS receiver, t.value AS amount,
       (SELECT u.block_time FROM txhub.utxo_io u
        WHERE u.address = t.from_address AND u.chain_id = $1 AND u.block_time < t.block_time
        ORDER BY u.block_time DESC LIMIT 1) AS seen
FROM txhub.transactions t
WHERE t.chain_id = $1 AND t.block_time >= $2 AND t.block_time < $3 AND t.value >= $4::numeric
  AND t.from_address IS NOT NULL AND t.kind <> 'coinbase'
ORDER BY t.block_time, t.block_number, t.tx_index

-- name: chains
SELECT chain_id, name, family, symbol, decimals, block_time_s, finality_depth, large_value::text AS large_value, demo
FROM txhub.chains
ORDER BY chain_id

-- name: labels
-- In force on a chain, in an order that stays.
SELECT address, name, category
FROM txhub.labels
WHERE valid_to IS NULL AND (chain_id = $1 OR chain_id IS NULL)
ORDER BY id

-- name: prices
-- Of a chain's coin and tokens, which hold at some time within [$2, $3).
SELECT asset, time, usd::text AS usd
FROM txhub.prices
WHERE (asset = $4 OR asset LIKE $5) AND time >= $2 AND time < $3
ORDER BY time

-- name: tokens
SELECT address, symbol, decimals FROM txhub.tokens WHERE chain_id = $1

-- name: held
SELECT min(time) AS first, max(time) AS last FROM txhub.blocks WHERE chain_id = $1

-- name: blocks
SELECT count(*) AS blocks FROM txhub.blocks WHERE chain_id = $1 AND time >= $2 AND time < $3

-- name: reach
-- The time of the block with which those of a span hold so many rows of transactions; no row: they hold fewer.
SELECT time
FROM (
    SELECT time, number, sum(tx_count - dropped_count) OVER (ORDER BY time, number) AS so_far
    FROM txhub.blocks
    WHERE chain_id = $1 AND time >= $2 AND time < $3) AS counted
WHERE so_far >= $4
ORDER BY time, number
LIMIT 1

-- name: newest
SELECT max(time) FROM txhub.blocks WHERE chain_id = $1

-- name: cursor
SELECT coalesce((SELECT event_id FROM txhub.cursors WHERE reader = $1), (SELECT max(id) FROM txhub.stream_events), 0)

-- name: quantiles
-- Those that are pinned.
SELECT day, share, value::text AS value
FROM txhub.value_quantiles
WHERE chain_id = $1 AND day >= $2::timestamptz::date AND day <= $3::timestamptz::date

-- name: bins
-- How many transactions of the 30 days before a day (UTC) have a value in each bin.
SELECT bin::int AS bin, sum(tx_count)::bigint AS count
FROM txhub.value_hist_1h
WHERE chain_id = $1 AND bucket >= $2::timestamptz - INTERVAL '30 days' AND bucket < $2
GROUP BY bin
ORDER BY bin
