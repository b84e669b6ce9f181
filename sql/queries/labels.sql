-- Lists of labelled addresses, by source and version. asyncpg's parameters.

-- name: chains
SELECT name, chain_id, family FROM txhub.chains ORDER BY name

-- name: take_turn
-- One import at a time, until its commit: the next one sees what it ended and what it began.
SELECT pg_advisory_xact_lock(hashtext('txhub labels'))

-- name: has_version
SELECT EXISTS (SELECT FROM txhub.labels WHERE source = $1 AND list_version = $2)

-- name: last_change
SELECT max(greatest(valid_from, valid_to)) FROM txhub.labels WHERE source = $1

-- name: supersede
UPDATE txhub.labels SET valid_to = $2 WHERE source = $1 AND valid_to IS NULL

-- name: lists
SELECT source, list_version, valid_from, valid_to, count(*) AS labels
FROM txhub.labels
WHERE source = $1 OR $1 IS NULL
GROUP BY source, list_version, valid_from, valid_to
ORDER BY source, valid_from
