-- stream_events as our own services read it.

-- name: unread
-- What a reader has not seen, oldest first, with the span of time that each event's blocks cover.
SELECT e.id, e.chain_id,
       least((e.data ->> 'start')::timestamptz, (e.data ->> 'time')::timestamptz) AS first,
       greatest((e.data ->> 'end')::timestamptz, (e.data ->> 'time')::timestamptz) AS last
FROM txhub.stream_events e
WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = $1), 0)
  AND e.event IN ('block', 'backfill', 'reorg')
ORDER BY e.id
LIMIT $2

-- name: move_cursor
INSERT INTO txhub.cursors (reader, event_id) VALUES ($1, $2)
ON CONFLICT (reader) DO UPDATE SET event_id = greatest(txhub.cursors.event_id, EXCLUDED.event_id)

-- name: forget
-- Never what one of our own readers has not seen.
DELETE FROM txhub.stream_events
WHERE created_at < now() - $1::interval
  AND id <= coalesce((SELECT min(event_id) FROM txhub.cursors), 0)

-- name: newest
SELECT coalesce(max(id), 0) FROM txhub.stream_events

-- name: after
SELECT id, event, chain_id, data FROM txhub.stream_events WHERE id > $1 ORDER BY id LIMIT $2

-- name: is_replica
SELECT pg_is_in_recovery()
