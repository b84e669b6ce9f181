-- What rules found: raised, changed and retracted. asyncpg's parameters.

-- name: standing
-- The alerts of a rule's version on a chain that started within [$4, $5), retracted ones as well. Until the end of the
-- transaction nobody else reconciles this rule on this chain.
SELECT id, subject, started_at, title, details, block_number, hash, value, chain_state
FROM txhub.alerts
WHERE rule_id = $1 AND rule_version = $2 AND chain_id IS NOT DISTINCT FROM $3 AND started_at >= $4 AND started_at < $5

-- name: take_turn
SELECT pg_advisory_xact_lock(hashtext('txhub alerts of ' || $1::int), coalesce($2::int, -1))

-- name: raise
INSERT INTO txhub.alerts (rule_id, rule_version, rule, pattern, chain_id, subject, started_at, severity, title, details,
                          block_number, hash, value, value_usd, test, chain_state)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'pending')
RETURNING id

-- name: change
UPDATE txhub.alerts
SET title = $2, details = $3, block_number = $4, hash = $5, value = $6, value_usd = $7,
    chain_state = CASE WHEN chain_state = 'retracted' THEN 'pending' ELSE chain_state END,
    updated_at = clock_timestamp()
WHERE id = $1

-- name: retract
UPDATE txhub.alerts SET chain_state = 'retracted', updated_at = clock_timestamp() WHERE id = $1

-- name: clear_parties
DELETE FROM txhub.alert_parties WHERE alert_id = $1

-- name: add_parties
INSERT INTO txhub.alert_parties (alert_id, chain_id, address, role)
SELECT $1, $2, address, role FROM unnest($3::bytea[], $4::text[]) AS p (address, role)
ON CONFLICT DO NOTHING

-- name: note
INSERT INTO txhub.alert_events (alert_id, actor, event, details) VALUES ($1, $2, $3, $4)
