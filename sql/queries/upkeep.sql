-- How txhub itself stands: for whoever looks after it. asyncpg's parameters.

-- name: findings
-- What is wrong now, the worst first.
SELECT f.name, c.name AS chain, f.level, f.since, f.says
FROM txhub.findings f LEFT JOIN txhub.chains c USING (chain_id)
WHERE f.ended_at IS NULL
ORDER BY array_position(ARRAY['error', 'warning', 'info'], f.level), f.since DESC

-- name: services
SELECT name, version, started_at, seen_at, stopped_at FROM txhub.services ORDER BY name

-- name: archive
-- What the archive holds of each table of each chain, and how far it was looked at and dropped from the database.
SELECT c.name AS chain, m.table_name AS "table", count(*) AS partitions, min(m.day) AS first_day, max(m.day) AS last_day,
       sum(m.rows)::bigint AS rows, sum(m.bytes)::bigint AS bytes,
       count(*) FILTER (WHERE m.verified_at IS NOT NULL) AS verified,
       count(*) FILTER (WHERE m.dropped_at IS NOT NULL AND m.restored_at IS NULL) AS dropped,
       max(m.exported_at) AS exported_at
FROM txhub.archive_manifest m JOIN txhub.chains c USING (chain_id)
GROUP BY c.name, m.table_name
ORDER BY c.name, m.table_name
