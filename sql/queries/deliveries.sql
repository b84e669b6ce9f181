-- Messages to channels: planned, tried, delivered or given up. asyncpg's parameters.

-- name: messages_of
-- The messages about an alert, the oldest first. Nobody tries one of them until the end of the transaction.
SELECT d.id, d.channel, d.message IS NOT NULL AS frozen, da.change, da.severity::text AS severity
FROM txhub.delivery_alerts da
JOIN txhub.deliveries d ON d.id = da.delivery_id
WHERE da.alert_id = $1 AND d.state <> 'void'
ORDER BY d.id
FOR UPDATE OF d

-- name: last_of_group
-- The newest message to a channel about a rule's alerts of an entity, since $4 or still open. Nobody tries it until the
-- end of the transaction.
SELECT id, planned_at, severity::text AS severity, state = 'waiting' AND message IS NULL AS open
FROM txhub.deliveries
WHERE channel = $1 AND rule = $2 AND entity = $3 AND kind IN ('alert', 'more') AND state <> 'void'
  AND (planned_at >= $4 OR state = 'waiting' AND message IS NULL)
ORDER BY planned_at DESC, id DESC
LIMIT 1
FOR UPDATE

-- name: messages_since
-- How many messages a channel got, or is to get, about a rule's alerts; and whether it was told that these are all.
SELECT count(*) FILTER (WHERE kind IN ('alert', 'more')) AS messages, count(*) FILTER (WHERE kind = 'cap') AS caps
FROM txhub.deliveries
WHERE channel = $1 AND rule = $2 AND planned_at >= $3 AND state <> 'void'

-- name: open_digest
SELECT id FROM txhub.deliveries
WHERE channel = $1 AND kind = 'digest' AND state = 'waiting' AND message IS NULL
FOR UPDATE

-- name: plan
INSERT INTO txhub.deliveries (channel, kind, rule, entity, severity, planned_at, due_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
RETURNING id

-- name: join
INSERT INTO txhub.delivery_alerts (delivery_id, alert_id) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: raise_severity
UPDATE txhub.deliveries SET severity = greatest(severity, $2) WHERE id = $1

-- name: set_quiet
UPDATE txhub.alerts SET quiet = $2 WHERE id = $1

-- name: claim
-- The next message to a channel that is due. Those about one alert go in order: none before an earlier one that was
-- tried already and still waits.
SELECT d.id, d.key, d.kind, d.rule, d.entity, d.severity::text AS severity, d.planned_at, d.attempts,
       d.message::text AS message
FROM txhub.deliveries d
WHERE d.channel = $1 AND d.state = 'waiting' AND d.due_at <= $2
  AND NOT EXISTS (
      SELECT FROM txhub.delivery_alerts own
      JOIN txhub.delivery_alerts other ON other.alert_id = own.alert_id AND other.delivery_id < own.delivery_id
      JOIN txhub.deliveries before ON before.id = other.delivery_id
      WHERE own.delivery_id = d.id AND before.channel = d.channel AND before.state = 'waiting'
        AND before.message IS NOT NULL
  )
ORDER BY d.due_at, d.id
LIMIT 1
FOR UPDATE OF d SKIP LOCKED

-- name: items
-- The alerts of a message, and what its channel was last told of each.
SELECT own.alert_id, known.change, known.severity::text AS severity
FROM txhub.delivery_alerts own
JOIN txhub.deliveries d ON d.id = own.delivery_id
LEFT JOIN LATERAL (
    SELECT other.change, other.severity
    FROM txhub.delivery_alerts other
    JOIN txhub.deliveries before ON before.id = other.delivery_id
    WHERE other.alert_id = own.alert_id AND before.channel = d.channel AND before.id <> d.id
      AND before.state <> 'void' AND before.message IS NOT NULL
    ORDER BY before.id DESC
    LIMIT 1
) AS known ON true
WHERE own.delivery_id = $1
ORDER BY own.alert_id

-- name: freeze
UPDATE txhub.deliveries SET message = $2, severity = $3 WHERE id = $1

-- name: say
UPDATE txhub.delivery_alerts SET change = $3, severity = $4 WHERE delivery_id = $1 AND alert_id = $2

-- name: leave_out
DELETE FROM txhub.delivery_alerts WHERE delivery_id = $1 AND alert_id = $2

-- name: begin_attempt
INSERT INTO txhub.delivery_attempts (delivery_id, number, started_at) VALUES ($1, $2, $3)

-- name: lease
-- Until $3 nobody else tries it; then the attempt counts as lost.
UPDATE txhub.deliveries SET attempts = $2, due_at = $3 WHERE id = $1

-- name: end_attempt
UPDATE txhub.delivery_attempts SET ended_at = $3, outcome = $4, status = $5, reason = $6
WHERE delivery_id = $1 AND number = $2

-- name: try_again
UPDATE txhub.deliveries SET due_at = $2 WHERE id = $1 AND state = 'waiting'

-- name: finish
UPDATE txhub.deliveries SET state = $2, finished_at = $3 WHERE id = $1

-- name: note_alerts
INSERT INTO txhub.alert_events (alert_id, actor, event, details)
SELECT alert_id, 'delivery', $2, $3::jsonb || jsonb_build_object('change', change)
FROM txhub.delivery_alerts
WHERE delivery_id = $1
ORDER BY alert_id

-- name: hurry
-- What waited for a channel that answers again goes at once.
UPDATE txhub.deliveries SET due_at = $2 WHERE channel = $1 AND state = 'waiting' AND attempts > 0 AND due_at > $2

-- name: replay
-- Dead ones (of the channel $1, with an id of $2, where these are given), as they are to be said now.
UPDATE txhub.deliveries
SET state = 'waiting', message = NULL, planned_at = $3, due_at = $3, finished_at = NULL
WHERE state = 'dead' AND ($1::text IS NULL OR channel = $1) AND ($2::bigint[] IS NULL OR id = ANY ($2))
RETURNING id

-- name: explorers
SELECT name, explorer FROM txhub.chains

-- name: list
SELECT d.id, d.channel, d.kind, d.planned_at, d.state, d.attempts, d.message -> 'message' ->> 'title' AS title,
       (SELECT a.reason FROM txhub.delivery_attempts a
        WHERE a.delivery_id = d.id AND a.reason IS NOT NULL ORDER BY a.number DESC LIMIT 1) AS reason
FROM txhub.deliveries d
WHERE ($1::text IS NULL OR d.channel = $1) AND ($2::text IS NULL OR d.state = $2)
ORDER BY d.id DESC
LIMIT $3
