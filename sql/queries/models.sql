-- Models of what is usual, and what they found. ADBC's parameters in transactions, asyncpg's in the others.

-- name: transactions
-- Those of blocks with times within [$2, $3), in order; whole coins, for models and not for accounts.
SELECT t.block_time AS time, t.hash, t.from_address AS sender, t.to_address AS receiver,
       txhub.to_native(t.value, c.decimals)::float8 AS coins, txhub.to_native(t.fee, c.decimals)::float8 AS fee,
       t.gas_price::float8 AS gas_price, t.input_size::float8 AS input_size, t.success
FROM txhub.transactions t
JOIN txhub.chains c USING (chain_id)
WHERE t.chain_id = $1 AND t.block_time >= $2 AND t.block_time < $3 AND t.kind <> 'coinbase'
ORDER BY t.block_time, t.block_number, t.tx_index

-- name: hours
-- The hours from $2 on that are over, and what tells whether one has changed: the number of its blocks, and when the last of
-- them was committed.
SELECT date_trunc('hour', time, 'UTC') AS hour, count(*) AS blocks, max(committed_at) AS changed
FROM txhub.blocks
WHERE chain_id = $1 AND time >= $2
  AND time < (SELECT date_trunc('hour', max(time), 'UTC') FROM txhub.blocks WHERE chain_id = $1)
GROUP BY 1
ORDER BY 1

-- name: last_time
SELECT max(time) AS time FROM txhub.blocks WHERE chain_id = $1

-- name: keep
-- The same model again is no new version.
INSERT INTO txhub.models (chain_id, subject, version, digest, trained_from, trained_to, rows, seed, quantiles, parameters,
                          splits, kind)
SELECT $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11
FROM txhub.models WHERE chain_id = $1 AND subject = $2
ON CONFLICT (chain_id, subject, digest) DO UPDATE SET digest = EXCLUDED.digest
RETURNING id, version

-- name: newest
SELECT id, version, trained_from, trained_to, rows, seed, quantiles, parameters, splits
FROM txhub.models WHERE chain_id = $1 AND subject = $2 AND kind = $3 ORDER BY version DESC LIMIT 1

-- name: edge
-- The newest of each chain that judges transactions as they come.
SELECT DISTINCT ON (chain_id) chain_id, id, version, rows, seed, quantiles, parameters
FROM txhub.models WHERE kind = 'edge' ORDER BY chain_id, version DESC

-- name: stands
-- What tells whether a chain's blocks within [$2, $3) have changed.
SELECT count(*) AS blocks, max(committed_at) AS changed
FROM txhub.blocks WHERE chain_id = $1 AND time >= $2 AND time < $3

-- name: clear_found
DELETE FROM txhub.anomalies WHERE model_id = $1 AND started_at >= $2 AND started_at < $3

-- name: keep_found
INSERT INTO txhub.anomalies (model_id, started_at, subject, score, reasons)
SELECT $1, started_at, subject, score, reasons::jsonb
FROM unnest($2::timestamptz[], $3::bytea[], $4::float8[], $5::text[]) AS found (started_at, subject, score, reasons)

-- name: found
SELECT m.version, a.started_at, a.score, a.reasons
FROM txhub.anomalies a
JOIN txhub.models m ON m.id = a.model_id
WHERE m.chain_id = $1 AND a.subject = $2
ORDER BY a.started_at DESC, m.version DESC
LIMIT 20
