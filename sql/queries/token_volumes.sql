-- Transfers of tokens, from their hours. ADBC's parameters.

-- name: volumes
-- The most transferred tokens of the chains $1 (ids with commas) in [$2, $3), ranked by $4 (count or amount).
WITH summed AS (
    SELECT chain_id, token_address, sum(transfer_count)::bigint AS transfer_count, sum(amount_sum) AS amount,
           count(*) AS rows
    FROM txhub_rollup.token_1h
    WHERE chain_id = ANY (string_to_array($1, ',')::int[]) AND bucket >= $2 AND bucket < $3
    GROUP BY 1, 2
)
SELECT c.name AS chain, txhub.address_text(s.token_address, c.family) AS token_address, k.symbol, k.decimals,
       s.transfer_count, txhub.to_native(s.amount, k.decimals)::text AS amount, s.amount::text AS amount_base,
       count(*) OVER () AS token_count, (sum(s.rows) OVER ())::bigint AS rows_read
FROM summed s
JOIN txhub.chains c USING (chain_id)
LEFT JOIN txhub.tokens k ON k.chain_id = s.chain_id AND k.address = s.token_address
ORDER BY CASE $4 WHEN 'count' THEN s.transfer_count::numeric ELSE txhub.to_native(s.amount, k.decimals) END
             DESC NULLS LAST,
         s.transfer_count DESC, c.name, s.token_address
LIMIT $5::int

-- name: over_time
-- Token $2 of chain $1 in [$3, $4), by buckets of $5 seconds since 1970.
SELECT date_bin(make_interval(secs => $5), bucket, TIMESTAMPTZ '1970-01-01T00:00:00Z') AS time,
       sum(transfer_count)::bigint AS transfer_count, sum(amount_sum)::text AS amount_base, count(*) AS rows
FROM txhub_rollup.token_1h
WHERE chain_id = $1 AND token_address = $2 AND bucket >= $3 AND bucket < $4
GROUP BY 1
ORDER BY 1

-- name: known
SELECT symbol, decimals FROM txhub.tokens WHERE chain_id = $1 AND address = $2
