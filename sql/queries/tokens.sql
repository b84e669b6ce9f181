-- What token contracts say of themselves. asyncpg's parameters.

-- name: unknown
-- Tokens that were moved since $2 and not asked yet, the busiest first.
SELECT r.token_address
FROM txhub_rollup.token_1h r
WHERE r.chain_id = $1 AND r.bucket >= $2
  AND NOT EXISTS (SELECT FROM txhub.tokens k WHERE k.chain_id = r.chain_id AND k.address = r.token_address)
GROUP BY r.token_address
ORDER BY sum(r.transfer_count) DESC, r.token_address
LIMIT $3

-- name: put
INSERT INTO txhub.tokens (chain_id, address, symbol, decimals, source)
SELECT $1, t.address, t.symbol, t.decimals, 'contract'
FROM unnest($2::bytea[], $3::text[], $4::int[]) AS t (address, symbol, decimals)
ON CONFLICT (chain_id, address) DO NOTHING
