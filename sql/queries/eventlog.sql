-- The event log as it is archived and forgotten. asyncpg's parameters.

-- name: days_to_export
-- Days that ended before $1, have events and are not in the archive yet, oldest first.
SELECT DISTINCT (time AT TIME ZONE 'UTC')::date AS day
FROM txhub.event_log
WHERE time < date_trunc('day', $1::timestamptz, 'UTC')
  AND (time AT TIME ZONE 'UTC')::date NOT IN (SELECT day FROM txhub.event_log_archive)
ORDER BY day

-- name: day
SELECT id, time, level, component, chain_id, event, details::text AS details
FROM txhub.event_log
WHERE time >= $1 AND time < $2
ORDER BY id

-- name: exported
INSERT INTO txhub.event_log_archive (day, path, rows, bytes, sha256) VALUES ($1, $2, $3, $4, $5)

-- name: archived
-- Every file of the archive: of the raw rows and the ledger, and of the event log.
SELECT path, bytes, sha256 FROM txhub.archive_manifest WHERE path IS NOT NULL
UNION ALL
SELECT path, bytes, sha256 FROM txhub.event_log_archive
ORDER BY path

-- name: forget
-- Whole days before $1; with $2 only those that are in the archive.
DELETE FROM txhub.event_log
WHERE time < date_trunc('day', $1::timestamptz, 'UTC')
  AND (NOT $2 OR (time AT TIME ZONE 'UTC')::date IN (SELECT day FROM txhub.event_log_archive))
