-- What is looked for. asyncpg's parameters.

-- name: list
SELECT id, name, version, definition, severity::text AS severity, state, origin, changed_at, changed_by, looked_version
FROM txhub.rules
ORDER BY name

-- name: take_turn
-- One change at a time, until its commit.
SELECT pg_advisory_xact_lock(hashtext('txhub rules'))

-- name: one
SELECT id, name, version, definition, severity::text AS severity, state, origin, changed_at, changed_by, looked_version
FROM txhub.rules
WHERE name = $1

-- name: insert
INSERT INTO txhub.rules (name, definition, severity, state, origin, changed_by) VALUES ($1, $2, $3, $4, $5, $6)

-- name: update
UPDATE txhub.rules
SET version = CASE WHEN definition = $2::jsonb THEN version ELSE version + 1 END,
    definition = $2, severity = $3, state = $4, origin = $5, changed_by = $6, changed_at = clock_timestamp()
WHERE name = $1

-- name: keep_version
-- What the rule says now, if it is another version than those that were.
INSERT INTO txhub.rule_versions (rule_id, version, name, definition, severity, created_by)
SELECT id, version, name, definition, severity, changed_by FROM txhub.rules WHERE name = $1
ON CONFLICT DO NOTHING

-- name: delete
DELETE FROM txhub.rules WHERE name = $1

-- name: looked
UPDATE txhub.rules SET looked_version = $2 WHERE id = $1

-- name: pin_quantile
INSERT INTO txhub.value_quantiles (chain_id, day, share, value) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
