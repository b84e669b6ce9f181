-- Exposure as answers have it. ADBC's parameters.

-- name: exposures
-- Of chains $1 (their ids with commas between, '' all) within [$2, $3), by the lists $4 (one a line, '' all), found by
-- the search of history $5 (0 any): those that stand, the newest first, then those that were taken away; at most $6.
SELECT chain, block_time, block_number, hash, address, name, category, source, listed_now, listed_then, direction, hops,
       via, link_hash, link_time, parties, token_address, symbol, amount, amount_base, value_usd, failed, retracted_at,
       reason
FROM txhub.exposures_view
WHERE ($1 = '' OR chain_id = ANY (string_to_array($1, ',')::int[]))
  AND block_time >= $2 AND block_time < $3
  AND ($4 = '' OR source = ANY (string_to_array($4, E'\n')))
  AND ($5 = 0 OR screening_id = $5)
ORDER BY retracted_at IS NOT NULL, block_time DESC, chain, block_number DESC, tx_index DESC, hops, address, direction,
         token_address NULLS FIRST, via NULLS FIRST
LIMIT $6

-- name: blocks
-- What of each chain is committed within [$1, $2).
SELECT c.name AS chain, count(b.number) AS blocks,
       coalesce(max(b.number) - min(b.number) + 1, 0) - count(b.number) AS missing,
       min(b.number) AS first_block, max(b.number) AS last_block, min(b.time) AS first_time, max(b.time) AS last_time
FROM txhub.chains c
LEFT JOIN txhub.blocks b ON b.chain_id = c.chain_id AND b.time >= $1 AND b.time < $2
WHERE $3 = '' OR c.chain_id = ANY (string_to_array($3, ',')::int[])
GROUP BY c.name
ORDER BY c.name
