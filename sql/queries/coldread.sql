-- What of the archive answers questions. ADBC's parameters.

-- name: dropped_files
-- The files of table $1 with rows from $2 up to $3 that the database has no more, or had no more until a moment ago.
SELECT m.day::timestamp AT TIME ZONE 'UTC' AS start, m.chain_id, c.decimals, m.path, m.wide, m.rows
FROM txhub.archive_manifest m
JOIN txhub.chains c USING (chain_id)
WHERE m.table_name = $1 AND m.path IS NOT NULL
  AND m.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND m.day::timestamp AT TIME ZONE 'UTC' < $3
  AND m.dropped_at IS NOT NULL AND (m.restored_at IS NULL OR m.restored_at > now() - INTERVAL '5 minutes')
ORDER BY m.day DESC, c.name
