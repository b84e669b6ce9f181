-- What rules found: raised, changed, retracted, and what people do about it. asyncpg's parameters.

-- name: standing
-- The alerts of a rule's version on a chain that started within [$4, $5), retracted ones as well. Until the end of the
-- transaction nobody else reconciles this rule on this chain.
SELECT id, subject, started_at, severity::text AS severity, title, details, block_number, hash, value, chain_state
FROM txhub.alerts
WHERE rule_id = $1 AND rule_version = $2 AND chain_id IS NOT DISTINCT FROM $3 AND started_at >= $4 AND started_at < $5

-- name: take_turn
SELECT pg_advisory_xact_lock(hashtext('txhub alerts of ' || $1::int), coalesce($2::int, -1))

-- name: raise
-- All that is new of a rule on a chain, a row for each place of the arrays; ids in the order of those.
INSERT INTO txhub.alerts (rule_id, rule_version, rule, pattern, chain_id, severity, test, chain_state,
                          subject, started_at, title, details, block_number, hash, value, value_usd)
SELECT $1, $2, $3, $4, $5, $6, $7, 'pending',
       f.subject, f.started_at, f.title, f.details::jsonb, f.block_number, f.hash, f.value, f.value_usd
FROM unnest($8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::bigint[], $13::bytea[], $14::numeric[],
            $15::numeric[]) WITH ORDINALITY
    AS f (subject, started_at, title, details, block_number, hash, value, value_usd, place)
ORDER BY f.place
RETURNING id, subject, started_at

-- name: raise_own
-- What txhub says of itself is of no rule, and no reorg takes it back. What ended and begins again in one moment goes on.
INSERT INTO txhub.alerts (rule_id, rule_version, rule, pattern, chain_id, subject, started_at, severity, title, details,
                          test, chain_state)
VALUES (0, 1, $1, 'operations', $2, $3, $4, $5, $6, $7, false, 'finalised')
ON CONFLICT (rule_id, rule_version, chain_id, subject, started_at) DO UPDATE
SET title = EXCLUDED.title, details = EXCLUDED.details, updated_at = clock_timestamp()
RETURNING id

-- name: end_own
UPDATE txhub.alerts
SET details = details || jsonb_build_object('ended_at', $4::timestamptz), updated_at = clock_timestamp()
WHERE rule_id = 0 AND rule_version = 1 AND chain_id IS NOT DISTINCT FROM $1 AND subject = $2 AND started_at = $3
RETURNING id

-- name: change
UPDATE txhub.alerts
SET severity = $2, title = $3, details = $4, block_number = $5, hash = $6, value = $7, value_usd = $8,
    chain_state = CASE WHEN chain_state = 'retracted' THEN 'pending' ELSE chain_state END,
    updated_at = clock_timestamp()
WHERE id = $1

-- name: retract
UPDATE txhub.alerts SET chain_state = 'retracted', updated_at = clock_timestamp() WHERE id = ANY ($1)

-- name: clear_parties
DELETE FROM txhub.alert_parties WHERE alert_id = ANY ($1)

-- name: add_parties
INSERT INTO txhub.alert_parties (alert_id, chain_id, address, role)
SELECT alert_id, $1, address, role FROM unnest($2::bigint[], $3::bytea[], $4::text[]) AS p (alert_id, address, role)
ON CONFLICT DO NOTHING

-- name: note
INSERT INTO txhub.alert_events (alert_id, actor, event, details) VALUES ($1, $2, $3, $4)

-- name: note_all
INSERT INTO txhub.alert_events (alert_id, actor, event, details)
SELECT alert_id, $1, event, details::jsonb
FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS n (alert_id, event, details, place)
ORDER BY place

-- name: tell
-- Appends an event `alert` to the outbox for each of the alerts $1, with what became of it ($2), in this order. Last in
-- its transaction and after the outbox's `take_turn`, whose lock is held until the commit.
WITH appended AS (
    INSERT INTO txhub.stream_events (event, chain_id, data)
    SELECT 'alert', a.chain_id,
           jsonb_build_object('id', a.id, 'change', n.change, 'chain', c.name, 'rule', a.rule, 'pattern', a.pattern,
                              'severity', a.severity, 'subject', a.subject, 'started_at', a.started_at,
                              'title', a.title, 'test', a.test, 'chain_state', a.chain_state,
                              'case_state', a.case_state, 'assignee', a.assignee)
    FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS n (id, change, place)
    JOIN txhub.alerts a ON a.id = n.id
    LEFT JOIN txhub.chains c ON c.chain_id = a.chain_id
    ORDER BY n.place
    RETURNING id
)
SELECT pg_notify('txhub_events', max(id)::text) FROM appended

-- name: case
-- Nobody else changes it until the end of the transaction.
SELECT case_state, assignee, updated_at FROM txhub.alerts WHERE id = $1 FOR UPDATE

-- name: set_case
UPDATE txhub.alerts SET case_state = $2, assignee = $3, updated_at = clock_timestamp() WHERE id = $1
