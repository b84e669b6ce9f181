-- One box for everything: each statement answers by an index, and with so many rows at most. ADBC's parameters.

-- name: block_by_number
SELECT c.name AS chain, b.number, txhub.hash_text(b.hash, c.family) AS hash, b.time, b.tx_count
FROM txhub.chains c
JOIN txhub.blocks b ON b.chain_id = c.chain_id AND b.number = $1
ORDER BY b.time DESC, c.name
LIMIT $2

-- name: block_by_hash
SELECT c.name AS chain, b.number, txhub.hash_text(b.hash, c.family) AS hash, b.time, b.tx_count, NULL::bigint AS reorg_id
FROM txhub.blocks b
JOIN txhub.chains c USING (chain_id)
WHERE b.hash = $1
UNION ALL
SELECT c.name, b.number, txhub.hash_text(b.hash, c.family), b.time, b.tx_count, b.reorg_id
FROM txhub.orphans b
JOIN txhub.chains c USING (chain_id)
WHERE b.hash = $1
LIMIT $2

-- name: transaction
SELECT c.name AS chain, t.block_number, txhub.hash_text(t.hash, c.family) AS hash, t.block_time, t.kind::text AS kind,
       txhub.to_native(t.value, c.decimals)::text AS value, c.symbol
FROM txhub.transactions t
JOIN txhub.chains c USING (chain_id)
WHERE t.hash = $1 AND t.block_time >= $2 AND t.block_time < $3
LIMIT $4

-- name: gone
-- One that reorgs took away, if nothing else has its hash.
SELECT c.name AS chain, t.block_number, txhub.hash_text(t.hash, c.family) AS hash, t.block_time, t.kind::text AS kind,
       txhub.to_native(t.value, c.decimals)::text AS value, c.symbol
FROM txhub.orphan_transactions t
JOIN txhub.chains c USING (chain_id)
WHERE t.hash = $1
ORDER BY t.reorg_id DESC
LIMIT 1

-- name: seen
-- When address $1 was last seen on each chain since $2.
SELECT c.name AS chain, m.block_time
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT block_time FROM txhub.address_moves
    WHERE chain_id = c.chain_id AND address = $1 AND block_time >= $2
    ORDER BY block_time DESC LIMIT 1) AS m

-- name: token_by_address
SELECT c.name AS chain, k.symbol, txhub.address_text(k.address, c.family) AS address
FROM txhub.chains c
JOIN txhub.tokens k ON k.chain_id = c.chain_id AND k.address = $1
ORDER BY c.name
LIMIT $2

-- name: token_by_symbol
-- Tokens whose symbol begins with $1 (in small letters, as LIKE has it), those that are called so first, then those that
-- were transferred most since $2: whoever makes a token may call it as he likes.
WITH called AS (
    SELECT chain_id, address, symbol FROM txhub.tokens WHERE lower(symbol) LIKE $1 || '%'
    ORDER BY length(symbol) LIMIT 100
)
SELECT c.name AS chain, k.symbol, txhub.address_text(k.address, c.family) AS address,
       coalesce((SELECT sum(r.transfer_count) FROM txhub_rollup.token_1h r
                 WHERE r.chain_id = k.chain_id AND r.token_address = k.address AND r.bucket >= $2), 0)::bigint AS transfers
FROM called k
JOIN txhub.chains c USING (chain_id)
ORDER BY lower(k.symbol) LIKE $1 DESC, transfers DESC, k.symbol, c.name, k.address
LIMIT $3

-- name: label
-- Labels in force at $2 whose names have words that begin as the words of $1 (a query of PostgreSQL's text search).
SELECT c.name AS chain, l.name, l.category, l.country, l.source,
       txhub.address_text(l.address, CASE length(l.address) WHEN 20 THEN 'evm' ELSE 'utxo' END) AS address
FROM txhub.labels l
LEFT JOIN txhub.chains c USING (chain_id)
WHERE to_tsvector('simple', l.name) @@ to_tsquery('simple', $1)
  AND l.valid_from <= $2 AND (l.valid_to IS NULL OR l.valid_to > $2)
LIMIT $3
