-- The story of reorgs. ADBC's parameters.

-- name: reorgs
-- The newest up to id $4 that were detected in [$2, $3), of the chains whose ids $1 lists with commas between; an empty
-- text stands for all.
SELECT r.id, c.name AS chain, r.detected_at, r.ancestor, r.depth,
       r.from_number, txhub.hash_text(r.from_hash, c.family) AS from_hash, r.from_tx_count,
       r.to_number, txhub.hash_text(r.to_hash, c.family) AS to_hash, r.to_tx_count,
       (SELECT count(*) FROM txhub.gone_transactions g WHERE g.reorg_id = r.id) AS gone_count
FROM txhub.reorgs r
JOIN txhub.chains c USING (chain_id)
WHERE ($1 = '' OR r.chain_id = ANY (string_to_array($1, ',')::int[]))
  AND r.detected_at >= $2 AND r.detected_at < $3 AND r.id <= $4
ORDER BY r.id DESC
LIMIT $5

-- name: replaced
SELECT o.number, txhub.hash_text(o.hash, c.family) AS hash, o.time, o.tx_count,
       txhub.hash_text(b.hash, c.family) AS now_hash, b.tx_count AS now_tx_count
FROM txhub.orphans o
JOIN txhub.chains c USING (chain_id)
LEFT JOIN txhub.blocks b ON b.chain_id = o.chain_id AND b.number = o.number
WHERE o.reorg_id = $1
ORDER BY o.number

-- name: gone
SELECT txhub.hash_text(g.hash, c.family) AS hash, g.block_number,
       txhub.address_text(g.from_address, c.family) AS from_address,
       txhub.address_text(g.to_address, c.family) AS to_address,
       txhub.to_native(g.value, c.decimals)::text AS value, c.symbol
FROM txhub.gone_transactions g
JOIN txhub.chains c USING (chain_id)
WHERE g.reorg_id = $1
ORDER BY g.block_number, g.tx_index
LIMIT $2
