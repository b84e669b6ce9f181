-- Bloom filters of closed days.

-- name: next
-- The newest closed day above the horizon $1 (null: nothing is gone) that has none yet; claimed, so that it is not closed
-- again meanwhile. asyncpg's parameters, as of all statements that write.
SELECT d.chain_id, d.bucket
FROM txhub_rollup.closed_days d
WHERE NOT d.stale
  AND NOT EXISTS (SELECT FROM txhub_rollup.day_filters f WHERE f.chain_id = d.chain_id AND f.bucket = d.bucket)
  AND d.bucket >= coalesce($1::timestamptz, '-infinity')
ORDER BY d.bucket DESC, d.chain_id
LIMIT 1
FOR UPDATE OF d SKIP LOCKED

-- name: hashes
-- The keys of a day's hashes as one value: eight bytes each, the most significant first.
SELECT coalesce(string_agg(int8send(txhub_rollup.filter_key(hash)), ''), '')
FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day'

-- name: addresses
-- The same of every address that a transaction or a move names.
SELECT coalesce(string_agg(int8send(key), ''), '')
FROM (
    SELECT txhub_rollup.filter_key(from_address) AS key FROM txhub.transactions
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day' AND from_address IS NOT NULL
    UNION
    SELECT txhub_rollup.filter_key(to_address) FROM txhub.transactions
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day' AND to_address IS NOT NULL
    UNION
    SELECT txhub_rollup.filter_key(from_address) FROM txhub.token_transfers
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day'
    UNION
    SELECT txhub_rollup.filter_key(to_address) FROM txhub.token_transfers
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day'
    UNION
    SELECT txhub_rollup.filter_key(address) FROM txhub.utxo_io
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 day' AND address IS NOT NULL
) AS keys

-- name: store
INSERT INTO txhub_rollup.day_filters (chain_id, bucket, hashes, addresses) VALUES ($1, $2, $3, $4)

-- name: clear
DELETE FROM txhub_rollup.day_filters WHERE chain_id = $1 AND bucket = $2

-- name: absent
-- Days from $2 up to $3 of the chains $4 that have none of the keys $1 (ids, and hex, with commas between), which $5 says to
-- be `hashes` or `addresses`. ADBC's parameters.
SELECT f.chain_id, f.bucket
FROM txhub_rollup.standing_filters f
CROSS JOIN LATERAL (SELECT CASE $5 WHEN 'hashes' THEN f.hashes WHEN 'addresses' THEN f.addresses END AS filter) AS one
CROSS JOIN LATERAL (
    SELECT bool_or(txhub_rollup.is_in_block(block, key)) AS held
    FROM unnest(string_to_array($1, ',')) AS hex
    CROSS JOIN LATERAL (SELECT txhub_rollup.filter_key(decode(hex, 'hex')) AS key OFFSET 0) AS keys
    CROSS JOIN LATERAL (SELECT txhub_rollup.filter_block(filter, key) AS block OFFSET 0) AS blocks
) AS looked
WHERE f.chain_id = ANY (string_to_array($4, ',')::int[]) AND f.bucket >= $2 AND f.bucket < $3 AND NOT held
