-- What findings are told from. asyncpg's parameters.

-- name: reorgs
-- Of each chain with a reorg in the last $1: the deepest of those, and the deepest of the thirty days before them.
SELECT c.name AS chain, r.depth, r.ancestor,
       coalesce((SELECT max(depth) FROM txhub.reorgs p
                 WHERE p.chain_id = r.chain_id AND p.detected_at < now() - $1::interval
                   AND p.detected_at > now() - $1::interval - INTERVAL '30 days'), 0) AS usual
FROM (SELECT DISTINCT ON (chain_id) chain_id, depth, ancestor
      FROM txhub.reorgs WHERE detected_at >= now() - $1::interval
      ORDER BY chain_id, depth DESC, id DESC) AS r
JOIN txhub.chains c USING (chain_id)

-- name: gaps
-- Of each followed chain: how many runs deeper than its finality are missing for longer than $1, how many blocks, and
-- the newest run; none while it is loading older blocks.
SELECT missing.name AS chain, count(*) AS gaps, sum(missing.last - missing.first + 1)::bigint AS blocks,
       (max(ARRAY[missing.last, missing.first]))[2] AS first, max(missing.last) AS last
FROM (
    SELECT c.name, c.chain_id, b.number - 1 AS last, b.time AS until,
           coalesce(lag(b.number) OVER numbers + 1, c.follow_from) AS first,
           max(b.number) OVER (PARTITION BY c.chain_id) - c.finality_depth AS final
    FROM txhub.chains c
    JOIN txhub.blocks b ON b.chain_id = c.chain_id AND b.number >= c.follow_from
    WHERE NOT EXISTS (
        SELECT FROM txhub.streams s
        WHERE s.chain_id = c.chain_id AND s.state = 'catching_up' AND s.updated_at > now() - INTERVAL '1 minute')
    WINDOW numbers AS (PARTITION BY c.chain_id ORDER BY b.number)
) AS missing
WHERE missing.first <= missing.last AND missing.last < missing.final AND missing.until < now() - $1::interval
GROUP BY missing.name

-- name: newest_block_time
-- Of the chain that is furthest.
SELECT max(b.time)
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1) AS b

-- name: stale_hours
SELECT count(*)
FROM txhub_rollup.closed_hours
WHERE stale AND bucket <= $1::timestamptz - INTERVAL '1 hour'
  AND bucket >= coalesce((SELECT time FROM txhub.horizon), '-infinity')

-- name: backlogs
-- By the events that every one of our readers reads.
SELECT c.reader, e.created_at
FROM txhub.cursors c
LEFT JOIN LATERAL (
    SELECT created_at FROM txhub.stream_events e WHERE e.id > c.event_id AND e.event IN ('block', 'backfill', 'reorg')
    ORDER BY id LIMIT 1) AS e ON true

-- name: unverified
SELECT count(*), min(day)::timestamp AT TIME ZONE 'UTC'
FROM txhub.archive_manifest
WHERE verified_at IS NULL AND exported_at < now() - $1::interval

-- name: dead_letters
SELECT channel, count(*)
FROM txhub.deliveries
WHERE state = 'dead' AND finished_at >= now() - $1::interval
GROUP BY channel
ORDER BY channel

-- name: clock
SELECT clock_timestamp()

-- name: newest_evm_block
SELECT c.name, b.time
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1) AS b
WHERE c.family = 'evm'
ORDER BY b.time DESC
LIMIT 1

-- name: services
SELECT name, seen_at, stopped_at IS NOT NULL FROM txhub.services ORDER BY name

-- name: occasions
-- What of the events $1 went wrong within the last $2; and, where the finding $3 is over, since its end, but within the last
-- $4: nobody may have looked meanwhile. What is as it should be, such as a first start, is told as info.
SELECT e.event, c.name AS chain, e.details ->> 'service' AS service
FROM txhub.event_log e
LEFT JOIN txhub.chains c USING (chain_id)
WHERE e.event = ANY ($1) AND e.level <> 'info' AND e.time > least(
    now() - $2::interval,
    greatest(now() - $4::interval, (
        SELECT coalesce(f.ended_at, now()) FROM txhub.findings f WHERE f.name = $3 ORDER BY f.since DESC LIMIT 1)))

-- name: started
SELECT pg_postmaster_start_time()

-- name: newest_archived
-- The newest file of the archive, and how many there are.
SELECT path, bytes, day, (SELECT count(*) FROM txhub.archive_manifest WHERE path IS NOT NULL) AS files
FROM txhub.archive_manifest
WHERE path IS NOT NULL
ORDER BY exported_at DESC
LIMIT 1
