-- What of the archive answers questions. ADBC's parameters.

-- name: dropped_transactions
-- The files of the chain $1 with transactions from $2 up to $3 that the database has no more.
SELECT c.name AS chain, c.family, c.symbol, c.decimals, m.path, m.wide
FROM txhub.archive_manifest m
JOIN txhub.chains c USING (chain_id)
WHERE c.name = $1 AND m.table_name = 'transactions' AND m.path IS NOT NULL
  AND m.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND m.day::timestamp AT TIME ZONE 'UTC' < $3
  AND m.dropped_at IS NOT NULL AND m.restored_at IS NULL
ORDER BY m.day
