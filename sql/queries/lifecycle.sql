-- What the chain makes of alerts, as its blocks come. asyncpg's parameters.

-- name: take_turn
-- One worker at a time, until its commit.
SELECT pg_advisory_xact_lock(hashtext('txhub alerts'))

-- name: unread
SELECT e.id, e.event, e.chain_id, (e.data ->> 'id')::bigint AS alert_id, e.data ->> 'change' AS change
FROM txhub.stream_events e
WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = $1), 0)
ORDER BY e.id
LIMIT $2

-- name: settle
-- The alerts of the chains $1 that are confirmed or final by now, at most $2. One that met no block counts by its moment.
-- Those that somebody changes just now are left for the next look, which their change brings about.
WITH place AS (
    SELECT c.chain_id,
           tip.number - c.finality_depth AS final_number,
           tip.number - greatest(c.finality_depth / 5, 1) AS confirmed_number
    FROM txhub.chains c
    CROSS JOIN LATERAL (
        SELECT b.number FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY b.number DESC LIMIT 1
    ) AS tip
    WHERE c.chain_id = ANY ($1::int[])
), moments AS (
    SELECT p.*,
           (SELECT b.time FROM txhub.blocks b
            WHERE b.chain_id = p.chain_id AND b.number <= p.final_number
            ORDER BY b.number DESC LIMIT 1) AS final_time,
           (SELECT b.time FROM txhub.blocks b
            WHERE b.chain_id = p.chain_id AND b.number <= p.confirmed_number
            ORDER BY b.number DESC LIMIT 1) AS confirmed_time
    FROM place p
), due AS (
    SELECT a.id,
           CASE WHEN coalesce(a.block_number <= m.final_number, a.started_at <= m.final_time, false)
                THEN 'finalised' ELSE 'confirmed' END AS becomes
    FROM moments m
    JOIN txhub.alerts a ON a.chain_id = m.chain_id AND a.chain_state IN ('pending', 'confirmed')
    WHERE coalesce(a.block_number <= m.final_number, a.started_at <= m.final_time, false)
       OR a.chain_state = 'pending'
          AND coalesce(a.block_number <= m.confirmed_number, a.started_at <= m.confirmed_time, false)
    ORDER BY a.id
    LIMIT $2
    FOR UPDATE OF a SKIP LOCKED
), settled AS (
    UPDATE txhub.alerts a SET chain_state = d.becomes FROM due d WHERE a.id = d.id RETURNING a.id, a.chain_state
)
INSERT INTO txhub.alert_events (alert_id, actor, event)
SELECT id, 'lifecycle', chain_state FROM settled ORDER BY id
RETURNING alert_id, event
