-- What /metrics tells of the other services, by what they leave in the database. ADBC's parameters.

-- name: findings
SELECT f.name, coalesce(c.name, '') AS chain, f.level
FROM txhub.findings f
LEFT JOIN txhub.chains c USING (chain_id)
WHERE f.ended_at IS NULL

-- name: services
SELECT name, stopped_at IS NULL AS running, extract(epoch FROM seen_at)::float8 AS seen
FROM txhub.services

-- name: readers
-- Of each of our readers of the outbox: how many seconds ago the oldest event was written that it has not read.
SELECT c.reader, coalesce(extract(epoch FROM now() - e.created_at), 0)::float8 AS behind
FROM txhub.cursors c
LEFT JOIN LATERAL (
    SELECT created_at FROM txhub.stream_events e WHERE e.id > c.event_id AND e.event IN ('block', 'backfill', 'reorg')
    ORDER BY id LIMIT 1) AS e ON true

-- name: deliveries
SELECT channel, count(*) FILTER (WHERE state = 'waiting')::float8 AS waiting,
       count(*) FILTER (WHERE state = 'dead')::float8 AS dead
FROM txhub.deliveries
GROUP BY channel

-- name: size
SELECT pg_database_size(current_database())::float8 AS bytes
